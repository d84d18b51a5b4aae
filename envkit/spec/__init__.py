"""What is wanted: a frozen, validated spec. The only home of yaml."""

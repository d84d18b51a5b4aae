"""Programs that are copied into containers and run there. envkit never imports them."""

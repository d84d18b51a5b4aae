# Sourced by bash once, when the image is built: what CANN's own scripts set becomes the image's environment.
# Their places differ between CANN's versions; the options are those of the vendor's own entrypoint.

for script in \
    /usr/local/Ascend/ascend-toolkit/set_env.sh \
    /usr/local/Ascend/cann/set_env.sh \
    /usr/local/Ascend/cann-*/set_env.sh; do
    if [ -r "$script" ]; then
        toolkit=$script
        break
    fi
done
if [ -z "${toolkit:-}" ]; then
    echo "envkit: there is no CANN in this base: no set_env.sh below /usr/local/Ascend" >&2
    exit 1
fi
. "$toolkit"

for script in /usr/local/Ascend/cann-*/share/info/ascendnpu-ir/bin/set_env.sh; do
    [ ! -r "$script" ] || . "$script"
done

# Without the option the script asks torch in the vendor's Python; the torch that counts is the user's. The vendor's
# entrypoint, which an adopted image keeps, goes by the variable.
script=/usr/local/Ascend/nnal/atb/set_env.sh
if [ -r "$script" ]; then
    abi='import torch; print(int(torch.compiled_with_cxx11_abi()))'
    ATB_CXX_ABI=$(TORCH_DEVICE_BACKEND_AUTOLOAD=0 "$ENVKIT_PYTHON" -I -c "$abi" 2>/dev/null || echo 1)
    export ATB_CXX_ABI
    . "$script" --cxx_abi="$ATB_CXX_ABI"
fi

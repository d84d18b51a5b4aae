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

# Without the option the script asks torch in the vendor's Python; the torch that counts is the user's.
script=/usr/local/Ascend/nnal/atb/set_env.sh
if [ -r "$script" ]; then
    abi='import torch; print(int(torch.compiled_with_cxx11_abi()))'
    . "$script" --cxx_abi="$(TORCH_DEVICE_BACKEND_AUTOLOAD=0 /opt/venv/bin/python -I -c "$abi" 2>/dev/null || echo 1)"
fi

# What the transformer library's script sets (facts A2.3): which of its two builds is the caller's to say.
abi=
for word in "$@"; do
    case $word in --cxx_abi=*) abi=${word#--cxx_abi=} ;; esac
done
if [ -z "$abi" ]; then
    abi=$(python3 -c 'import torch; print(int(torch.compiled_with_cxx11_abi()))')
fi
export ATB_HOME_PATH=/usr/local/Ascend/nnal/atb/latest/atb/cxx_abi_${abi}
export LD_LIBRARY_PATH=${ATB_HOME_PATH}/lib:${LD_LIBRARY_PATH}
export PATH=${ATB_HOME_PATH}/bin:${PATH}
export ATB_STREAM_SYNC_EVERY_KERNEL_ENABLE=0
export LCCL_DETERMINISTIC=0
unset abi

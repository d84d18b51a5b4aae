# What CANN's toolkit sets (facts A2.3), in the way its script does: each list in front of the one that is there,
# also where none is.
export ASCEND_TOOLKIT_HOME=/usr/local/Ascend/cann-9.1.0
export ASCEND_HOME_PATH=${ASCEND_TOOLKIT_HOME}
export ASCEND_OPP_PATH=${ASCEND_TOOLKIT_HOME}/opp
export ASCEND_AICPU_PATH=${ASCEND_TOOLKIT_HOME}
export TOOLCHAIN_HOME=${ASCEND_TOOLKIT_HOME}/toolkit
tiling=${ASCEND_TOOLKIT_HOME}/opp/built-in/op_impl/ai_core/tbe/op_tiling/lib/linux/$(arch)
libraries=${ASCEND_TOOLKIT_HOME}/lib64:${ASCEND_TOOLKIT_HOME}/lib64/plugin/opskernel:${ASCEND_TOOLKIT_HOME}/lib64/plugin/nnengine
export LD_LIBRARY_PATH=${libraries}:${tiling}:${LD_LIBRARY_PATH}
export PYTHONPATH=${ASCEND_TOOLKIT_HOME}/python/site-packages:${ASCEND_TOOLKIT_HOME}/opp/built-in/op_impl/ai_core/tbe:${PYTHONPATH}
export PATH=${ASCEND_TOOLKIT_HOME}/bin:${ASCEND_TOOLKIT_HOME}/tools/ccec_compiler/bin:${PATH}
export CMAKE_PREFIX_PATH=${ASCEND_TOOLKIT_HOME}/toolkit/tools/tikicpulib/lib/cmake:${CMAKE_PREFIX_PATH}
if [ ! -d /usr/local/Ascend/driver/lib64 ]; then
    export LD_LIBRARY_PATH=${LD_LIBRARY_PATH}:${ASCEND_TOOLKIT_HOME}/$(arch)-linux/devlib
fi
unset tiling libraries

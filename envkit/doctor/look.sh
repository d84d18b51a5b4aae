# What a machine is: a `name<tab>value` a line. Nothing here changes anything or waits for long.
# Its first argument is the engine's data folder, or nothing.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C
say() { printf '%s\t%s\n' "$1" "$2"; }
file() { if [ -r "$2" ]; then say "$1" "$(head -c 20000 "$2" 2>/dev/null | tr '\n\t' '  ')"; fi; }
soon() { timeout "$@" 2>/dev/null; }
if ! command -v timeout >/dev/null; then soon() { shift; "$@" 2>/dev/null; }; fi

say now "$(date +%s)"
say kernel "$(uname -r)"
say machine "$(uname -m)"
say uid "$(id -u)"
say groups "$(id -Gn)"
say gids "$(id -G)"
say docker_group "$( (getent group docker || grep ^docker: /etc/group) 2>/dev/null)"
say user "$(id -un 2>/dev/null)"
say nofile "$(ulimit -n)"
say memlock "$(ulimit -l 2>/dev/null)"
say proxy "${HTTPS_PROXY:-}${https_proxy:-}${HTTP_PROXY:-}${http_proxy:-}"
file memory /proc/meminfo
file first /proc/1/status
file forward /proc/sys/net/ipv4/ip_forward
file watches /proc/sys/fs/inotify/max_user_watches
file instances /proc/sys/fs/inotify/max_user_instances
say dns "$(sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf 2>/dev/null | tr '\n' ' ')"
say synchronized "$(soon 1 timedatectl show -p NTPSynchronized --value)"
grep -v ' - \(overlay\|proc\|sysfs\|nsfs\|cgroup2\?\|mqueue\|devpts\) ' /proc/self/mountinfo | head -n 400 |
  while read -r line; do say mount "$line"; done

# A filesystem that does not answer (a dead NFS server) must not stop the rest.
disk() {
  if [ -z "$2" ]; then return; fi
  soon 2 sh -c 'p=$1; while [ ! -e "$p" ]; do p=$(dirname -- "$p"); done
    w=no; if [ -w "$p" ]; then w=yes; fi
    k=$(df -Pk -- "$p" | tail -n 1 | tr -s " " | cut -d" " -f 2,4)
    i=$(df -Pi -- "$p" | tail -n 1 | tr -s " " | cut -d" " -f 2,4)
    printf "disk\t%s %s %s %s %s\n" "$2" "$w" "$k" "$i" "$1"' sh "$2" "$1" || say silent "$1 $2"
}
disk root "$1"
disk tmp "${TMPDIR:-/tmp}"
disk home "$HOME"
disk shm /dev/shm

route=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route 2>/dev/null)
if [ -n "$route" ]; then file mtu "/sys/class/net/$route/mtu"; fi
file docker_mtu /sys/class/net/docker0/mtu
file docker_pid /var/run/docker.pid
pid=$(cat /var/run/docker.pid 2>/dev/null)
if [ -n "$pid" ]; then say docker_runs "$(cat "/proc/$pid/comm" 2>/dev/null)"; fi

for d in /sys/bus/pci/devices/*; do
  read -r vendor 2>/dev/null <"$d/vendor" || continue
  case $vendor in
    0x10de) read -r class <"$d/class"; case $class in 0x03*) say pci_nvidia "${d##*/}" ;; esac ;;
    0x19e5) read -r device <"$d/device"; case $device in 0xd[158]0*) say pci_ascend "${d##*/} $device" ;; esac ;;
  esac
done
for m in nouveau nvidia nvidia_uvm; do if [ -d "/sys/module/$m" ]; then say module "$m"; fi; done
for n in /dev/nvidia[0-9]* /dev/nvidiactl /dev/nvidia-uvm /dev/nvidia-nvswitch[0-9]* /dev/davinci[0-9]* \
  /dev/davinci_manager /dev/devmm_svm /dev/hisi_hdc; do
  if [ -c "$n" ]; then say node "$(stat -c '%n %g %a' "$n")"; fi
done
file nvidia_version /proc/driver/nvidia/version
if command -v nvidia-smi >/dev/null; then
  said=$(timeout 10 nvidia-smi --format=csv,noheader --query-gpu=index,name,persistence_mode,compute_mode,mig.mode.current,ecc.errors.uncorrected.volatile.total 2>&1)
  if [ $? -eq 0 ]; then printf '%s\n' "$said" | while read -r line; do say gpu "$line"; done
  else say nvidia_smi_fails "$(printf %s "$said" | tr '\n\t' '  ' | head -c 500)"; fi
  say mig "$(soon 5 nvidia-smi -L | grep -c ' MIG ')"
fi
if command -v nvidia-ctk >/dev/null; then say toolkit "$(soon 2 nvidia-ctk --version | head -n 1)"; fi
say fabricmanager "$(pidof nv-fabricmanager 2>/dev/null)"
if [ -e /dev/char/195:0 ]; then say char_links yes; fi
for f in /sys/firmware/efi/efivars/SecureBoot-*; do
  if [ -r "$f" ]; then say secure_boot "$(od -An -t u1 -j 4 -N 1 "$f" | tr -d ' ')"; fi
done
dmesg 2>/dev/null | grep 'NVRM: Xid' | tail -n 3 | while read -r line; do say xid "$line"; done
for f in /usr/local/Ascend/driver/lib64 /usr/local/Ascend/driver/version.info /usr/local/dcmi \
  /usr/local/bin/npu-smi /usr/local/sbin/npu-smi /etc/ascend_install.info /etc/hccn.conf; do
  if [ -d "$f" ]; then say ascend_folder "$f"; elif [ -e "$f" ]; then say ascend_file "$f"; fi
done
say ascend_version "$(sed -n 's/^[Vv]ersion=//p' /usr/local/Ascend/driver/version.info 2>/dev/null | head -n 1)"

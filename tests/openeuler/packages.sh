#!/bin/sh
# Make signed rpms of openEuler's names, and their repository at /repository. `less` and `tmux` hold Debian's files;
# with `compilers`, so does gcc-c++; the others hold none, for Debian's own are there beneath.
set -eu

repository=/repository/openEuler-24.03-LTS/OS/$(uname -m)
install -d "$repository/Packages" /specs

spec() { # NAME FILES PROVIDES
    printf '%s\n' "Name: $1" 'Version: 1.0' 'Release: 1.oe2403' 'Summary: A stand-in' 'License: none' 'AutoReqProv: no' \
        ${3:+"Provides: $3"} '%define __os_install_post %{nil}' '%description' 'A stand-in.' '%files' >"/specs/$1.spec"
    [ ! -s "$2" ] || cat "$2" >>"/specs/$1.spec"
    rpmbuild -bb --quiet --buildroot "/roots/$1" --define "_rpmdir $repository/Packages" \
        --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' --define '_binary_payload w1.gzdio' "/specs/$1.spec"
}

real() { # NAME DEBIAN'S...: an rpm of the files of Debian's packages
    name=$1
    shift
    dpkg -L "$@" | sort -u | while read -r file; do
        case "$file" in
        /lib/* | /lib64/* | /bin/* | /sbin/*) file=/usr$file ;; # one folder by now, as in openEuler
        esac
        case "$file" in
        /usr/share/doc/* | /usr/share/man/* | /usr/share/lintian/* | /usr/share/locale/*) ;;
        *) [ -d "$file" ] && [ ! -L "$file" ] || [ ! -e "$file" ] || echo "$file" ;;
        esac
    done >"/specs/$name.files"
    install -d "/roots/$name"
    tar --create --files-from "/specs/$name.files" 2>/dev/null | tar --extract --directory "/roots/$name"
    spec "$name" "/specs/$name.files" ''
}

if [ "${1:-}" = compilers ]; then
    dpkg-query -W -f '${Package}\n' | sort >/after
    # shellcheck disable=SC2046  # words, on purpose
    real gcc-c++ $(comm -13 /before /after)
    for name in krb5-devel make pkgconfig; do spec "$name" /dev/null ''; done
else
    gpg --batch --quiet --passphrase '' --quick-generate-key 'stand-in <stand-in@example.org>' rsa3072 sign never
    gpg --export --armor >"$repository/RPM-GPG-KEY-openEuler"
    for name in ca-certificates findutils git gzip shadow tar; do spec "$name" /dev/null ''; done
    spec python3 /dev/null 'python3.11 = 3.11.2'
    real less less
    real tmux tmux libutempter0 libevent-core-2.1-7
fi
find "$repository" -name '*.rpm' -exec rpmsign --define '__gpg /usr/bin/gpg' --define '_gpg_name stand-in' --addsign {} + >/dev/null 2>&1
rm -rf "$repository/repodata"
createrepo_c --quiet "$repository"

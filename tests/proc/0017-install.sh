# make install puts everything below DESTDIR and PREFIX, make uninstall takes it away again and leaves the configuration.
. "$(dirname "$0")/../lib.sh"
[ -x "$top/build/bin/weir" ] || skip_all "needs build/"
make_it() { make -s -C "$top" O="${WEIR_BUILD:-$top/build}" DESTDIR="$tmp/dest" PREFIX="${prefix:-/opt/weir}" "$1"; }
files() { (cd "$tmp/dest" && find . ! -type d | sort); }
WEIR_BUILD=$(cd "${WEIR_BUILD:-$top/build}" && pwd)

check "install" make_it install
check "the programs" sh -c "cd $tmp/dest/opt/weir && test -x bin/weir && ls libexec/weir/weir-capture libexec/weir/weir-classify libexec/weir/weir-checks libexec/weir/weir-alertd libexec/weir/weir-notify libexec/weir/weir-apid"
check "a manual for each program" sh -c "cd $tmp/dest/opt/weir/share/man && ls man1/weir.1 man5/weir.yaml.5 man7/weir-fields.7 man7/weir-checks.7 man7/weir-match.7 && for p in capture classify checks alertd notify apid; do ls man8/weir-\$p.8 || exit 1; done"
check "no place is left open in the units" sh -c "! grep -r '@PREFIX@\\|@SYSCONFDIR@' $tmp/dest/opt/weir/lib/systemd && grep -q '^ExecStart=/opt/weir/libexec/weir/weir-apid -f /opt/weir/etc/weir/weir.yaml' $tmp/dest/opt/weir/lib/systemd/system/weir-apid.service"
check "the example is valid where it is" "$bin/weir" config check "$tmp/dest/opt/weir/etc/weir/weir.yaml"
check "what is installed runs" "$tmp/dest/opt/weir/bin/weir" replay "$captures/scan.pcap"
files >"$tmp/first"
echo '# mine' >>"$tmp/dest/opt/weir/etc/weir/weir.yaml"
check "again" make_it install
files | diff "$tmp/first" - >/dev/null
ok $? "puts the same files"
check "and keeps the administrator's configuration" grep -q '^# mine' "$tmp/dest/opt/weir/etc/weir/weir.yaml"
check "uninstall" make_it uninstall
same "leaves the configuration alone" "./opt/weir/etc/weir/weir.yaml" "$(files)"
rm -rf "$tmp/dest"
prefix=/usr
check "with PREFIX=/usr" make_it install
check "the configuration is in /etc" test -f "$tmp/dest/etc/weir/weir.yaml" -a -f "$tmp/dest/lib/systemd/system/weir.target"

# Sources without their repository are built as well: what they were made from is not known then, unless somebody says it.
mkdir "$tmp/source" && cp "$top/Makefile" "$tmp/source"
revision() { make -s -C "$tmp/source" O=o "$@" o/gen/revision.h && sed -n 's/^#define WEIR_REVISION //p' "$tmp/source/o/gen/revision.h"; }
same "without a repository no commit is known" '""' "$(revision)"
same "one that is named is kept" '"1.2-3" "1.2-3"' "$(revision REVISION=1.2-3) $(revision)"
finish

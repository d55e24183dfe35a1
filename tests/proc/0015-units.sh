# The units: no stranger's keys, and as hard as promised. Whether they work is for tests/boot.
. "$(dirname "$0")/../lib.sh"
command -v systemd-analyze >/dev/null || skip_all "no systemd-analyze"

mkdir -p "$tmp/libexec/weir"
for u in "$top"/etc/systemd/*.service "$top"/etc/systemd/*.target; do
	sed -e "s|@PREFIX@|$tmp|g" -e "s|@SYSCONFDIR@|/etc|g" "$u" >"$tmp/${u##*/}"
done
for p in capture classify checks alertd notify apid; do
	cp /bin/true "$tmp/libexec/weir/weir-$p"
done
# The threshold of systemd-analyze is ten times the score that it prints.
hard() { # unit threshold
	systemd-analyze security --offline=true --no-pager --threshold="$2" "$tmp/$1"
}
# Fails without a word if this systemd-analyze cannot work offline: then say so instead.
hard weir-classify.service 100 >/dev/null 2>&1 || skip_all "systemd-analyze cannot judge units offline here"
for u in classify:5 checks:5 alertd:5 apid:12 notify:13 capture@:17; do
	name=weir-${u%:*}.service most=${u#*:}
	check "$name scores at most $((most / 10)).$((most % 10))" hard "$name" "$most"
done
check "the gate closes: nothing scores 0" sh -c "! systemd-analyze security --offline=true --no-pager --threshold=0 $tmp/weir-classify.service"
for u in classify checks alertd notify apid capture@; do
	[ "$u" = capture@ ] && name=weir-capture@lan.service || name=weir-$u.service
	SYSTEMD_UNIT_PATH="$tmp:" systemd-analyze verify --man=no "$name" >"$tmp/out" 2>&1
	same "$name has nothing that systemd does not know" "" "$(grep -F "$tmp/weir-" "$tmp/out" | head -3)"
done
printf '[Service]\nNoSuchKey=1\nExecStart=/bin/true\n' >"$tmp/odd.service"
check "what it does not know would be seen" sh -c "SYSTEMD_UNIT_PATH=$tmp: systemd-analyze verify --man=no odd.service 2>&1 | grep -F $tmp/odd"
# What the programs' own sandbox and privileges need is in no unit's way.
for u in "$tmp"/weir-*.service; do
	check "${u##*/} leaves seccomp and Landlock to the program" grep -q '^SystemCallFilter=.* seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self$' "$u"
done
finish

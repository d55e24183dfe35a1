#!/usr/bin/env python3
"""What ntopng's clients send, and what they read of the answers.

Each row of REQUESTS is a request as the official Python client (or another one, where said) sends it; beside it is the shape
that it reads. A shape is a type, a tuple of types, a dict of shapes (these keys must be there), [shape] (a list of such, not
empty), or a function that tells what is wrong. Prints TAP."""
import calendar
import json
import sys
import time

import jsonschema
import requests

num = (int, float)


def any_list(shape):
    """A list that may be empty."""
    return lambda v: wrong(v, [shape]) if v else (None if isinstance(v, list) else "no list")


def rows_of_text(v):
    """Rows of a database: text in every column."""
    if not isinstance(v, list):
        return "no list"
    for row in v:
        for k, x in row.items():
            if not isinstance(x, str):
                return f"{k} is no text"
    return None


def parse(text):
    """RFC 3339 as seconds since 1970."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def wrong(v, shape):
    """What is not as the shape says, or None."""
    if callable(shape) and not isinstance(shape, type):
        return shape(v)
    if isinstance(shape, dict):
        if not isinstance(v, dict):
            return f"no object: {str(v)[:60]}"
        for k, s in shape.items():
            if k not in v:
                return f"no {k}"
            w = wrong(v[k], s)
            if w:
                return f"{k}: {w}"
        return None
    if isinstance(shape, list):
        if not isinstance(v, list) or not v:
            return "no list, or an empty one"
        for x in v:
            w = wrong(x, shape[0])
            if w:
                return w
        return None
    if isinstance(v, bool) and shape is not bool and bool not in (shape if isinstance(shape, tuple) else (shape,)):
        return "a truth value where a number is read"
    return None if isinstance(v, shape) else f"{str(v)[:40]} is no {shape}"


HOST, B, E = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
W = {"epoch_begin": B, "epoch_end": E}
CL = {"select_clause": "*", "maxhits_clause": 5, "order_by_clause": "epoch_begin"}

enum_severity = [{"severity": str, "id": int}]
slices = [{"label": str, "value": num}]
entity = {"count": int, "entity_id": int, "entity_label": str, "name": str}
card = {"name": str, "label": str, "tooltip": str}


def cards(v):
    w = wrong(v, [card])
    if w or len(v) != 2 or [c["name"] for c in v] != ["top_alerts_by_count", "top_alerts_by_severity"]:
        return w or "not the two lists"
    top = {"key": str, "value": int, "label": str, "title": str}
    return wrong(v[0]["value"], [{**top, "count": int}]) or wrong(v[1]["value"], [{**top, "severity_label": str}])


def series(v):
    w = wrong(v, {"start": num, "step": num, "count": int, "additional_series": {"total": list},
                  "statistics": {"total": num, "average": num, "by_serie": [{"total": num}]},
                  "series": [{"id": str, "label": str, "tags": (dict, list), "data": list, "statistics": {
                      "total": num, "average": num, "95th_percentile": num, "max_val": num, "max_val_idx": int,
                      "min_val": num, "min_val_idx": int}}],
                  "metadata": {"epoch_begin": int, "epoch_end": int, "epoch_step": int, "num_point": int, "schema": str,
                               "query": dict}})
    if w:
        return w
    return None if all(len(s["data"]) == v["count"] for s in v["series"]) and v["count"] <= 60 else "lengths differ"


def traffic(v):
    w = series(v)
    if w:
        return w
    if [s["label"] for s in v["series"]] != ["bytes_sent", "bytes_rcvd"]:
        return "labels"
    return None if sum(s["total"] for s in v["statistics"]["by_serie"]) > 0 else "no traffic"


def host_interfaces(v):
    return wrong(v, {HOST: [{"ifid": int}]})


flow_row = {"key": str, "hash_id": str, "first_seen": int, "last_seen": int, "vlan": int, "duration": num, "bytes": int,
            "client": {"ip": str, "port": int, "name": str, "is_broadcast_domain": bool, "is_dhcp": bool, "is_blacklisted": bool},
            "server": {"ip": str, "port": int, "name": str, "is_broadcast": bool, "is_dhcp": bool, "is_blacklisted": bool},
            "protocol": {"l4": str, "l7": str}, "thpt": {"pps": num, "bps": num},
            "breakdown": {"cli2srv": num, "srv2cli": num}, "score": num}
host_row = {"key": str, "ip": str, "vlan": int, "name": str, "os": int, "first_seen": int, "last_seen": int, "num_alerts": int,
            "country": str, "is_blacklisted": bool, "is_localhost": bool, "is_multicast": bool, "is_broadcast": bool,
            "is_broadcast_domain": bool, "score": {"total": int, "as_client": int, "as_server": int},
            "thpt": {"pps": num, "bps": num}, "bytes": {"total": int, "sent": int, "recvd": int},
            "num_flows": {"total": int, "as_client": int, "as_server": int}}
page = {"perPage": int, "currentPage": int, "totalRows": int, "sort": [list]}
hosts = {**page, "data": [host_row]}
flows = {**page, "data": [flow_row]}
counters = dict.fromkeys(
    "packets bytes drops throughput_bps throughput_pps bytes_upload bytes_download packets_upload packets_download num_flows"
    " num_hosts num_local_hosts num_devices num_local_hosts_anomalies alerted_flows alerted_flows_notice"
    " alerted_flows_warning alerted_flows_error engaged_alerts speed uptime_sec epoch hosts_pctg flows_pctg".split(), num)
interface = {**counters, "ifid": str, "ifname": str, "uptime": str, "localtime": str, "is_view": bool,
             "tcpPacketStats": {"lost": num, "out_of_order": num, "retransmissions": num},
             "throughput": {"download": {"bps": num, "pps": num}, "upload": {"bps": num, "pps": num}},
             "download_upload_chart": {"download": list, "upload": list},
             "system_host_stats": {"mem_used": num, "mem_total": num, "cpu_load": num, "dropped_alerts": num,
                                   "cpu_states": {"idle": num}}}
host = {**dict.fromkeys("bytes.sent bytes.rcvd packets.sent packets.rcvd tcp.bytes.sent udp.bytes.rcvd active_flows.as_client"
                        " active_flows.as_server total_flows.as_client total_flows.as_server score num_alerts total_alerts"
                        " throughput_bps throughput_pps seen.first seen.last duration vlan ifid asn".split(), num),
        "ip": str, "mac": str, "name": str, "tskey": str, "localhost": bool, "is_multicast": bool, "ndpi": dict,
        "dns": {"sent": {"num_queries": num, "num_replies_ok": num, "num_replies ok": num, "queries": {"num_a": num}}},
        "tcpPacketStats.sent": {"retransmissions": num, "lost": num}}
record = {"family": str, "row_id": str, "tstamp": {"value": int}, "alert_id": {"value": str, "label": str}, "score": {"value": int},
          "severity": {"value": int, "label": str}, "duration": int, "count": int, "msg": {"name": str, "description": str},
          "description": {"descr": str}, "script_key": str}
flow_record = {**record, "cli_ip": {"value": str, "label": str, "reference": str}, "srv_ip": {"value": str},
               "cli_port": {"value": str}, "proto": {"value": str, "label": str}, "l7_proto": {"value": str, "label": str},
               "flow": {"cli_ip": {"value": str}, "srv_ip": {"value": str}}, "total_bytes": {"total_bytes": int}}
alerts = {"records": [flow_record], "stats": {"query": str, "num_records_processed": str, "query_duration_msec": num}}
talkers = any_list({"name": str, "throughput": num, "throughput_type": str, "url": str})

R, P = "/lua/rest/v2/get/", "/lua/pro/rest/v2/get/"
REQUESTS = [
    ("GET", "/lua/rest/v2/connect/test.lua", {}, list),
    ("GET", R + "alert/type/consts.lua", {}, [{"type": str, "key": int}]),
    ("GET", R + "alert/severity/consts.lua", {}, enum_severity),
    ("GET", R + "ntopng/interfaces.lua", {}, [{"ifid": int, "ifname": str, "name": str, "is_packet_interface": bool}]),
    ("GET", R + "host/interfaces.lua", {"host": HOST}, host_interfaces),
    ("GET", R + "interface/data.lua", {"ifid": 0}, interface),
    ("GET", R + "interface/bcast_domains.lua", {"ifid": 0}, {"bcast_domains": (dict, list)}),
    ("GET", R + "interface/address.lua", {"ifid": 0}, {"addresses": list}),
    ("GET", R + "interface/l7/stats.lua", {"ifid": 0, "ndpistats_mode": "count", "breed": True, "ndpi_category": True,
                                           "all_values": True, "max_values": 10, "collapse_stats": False}, slices),
    ("GET", R + "interface/dscp/stats.lua", {"ifid": 0}, slices),
    ("GET", R + "host/active.lua", {"ifid": 0}, hosts),
    ("GET", R + "host/active.lua", {"ifid": 0, "currentPage": 1, "perPage": 10}, hosts),
    ("GET", P + "interface/top/local/talkers.lua", {"ifid": 0}, talkers),
    ("GET", P + "interface/top/remote/talkers.lua", {"ifid": 0}, talkers),
    ("GET", R + "flow/active.lua", {"ifid": 0, "currentPage": 1, "perPage": 10}, flows),
    ("GET", R + "flow/l4/counters.lua", {"ifid": 0}, [{"id": int, "count": int}]),
    ("GET", R + "flow/l7/counters.lua", {"ifid": 0}, [{"name": str, "count": int}]),
    ("GET", R + "alert/type/counters.lua", {"ifid": 0}, [{**entity, "alert_id": int}]),
    ("GET", R + "alert/severity/counters.lua", {"ifid": 0}, [entity]),
    ("GET", R + "l7/application/consts.lua", {}, [{"name": str, "appl_id": int, "cat_id": int}]),
    ("GET", R + "l7/category/consts.lua", {}, [{"name": str, "cat_id": int, "app_list": any_list({"name": str, "id": str})}]),
    ("GET", R + "l4/protocol/consts.lua", {}, [{"name": str, "other": str, "id": int}]),
    ("GET", R + "host/data.lua", {"ifid": 0, "host": HOST}, host),
    ("GET", R + "flow/alert/list.lua", {"ifid": 0, **W, "format": "json"}, alerts),
    ("GET", R + "flow/alert/list.lua", {"ifid": 0, **W, "format": "json", "cli_ip": HOST + ";eq"}, alerts),
    ("GET", R + "host/l7/stats.lua", {"ifid": 0, "host": HOST, "breed": True, "ndpi_category": True, "collapse_stats": False},
     [{"label": str, "value": num, "duration": num}]),
    ("GET", R + "host/dscp/stats.lua", {"ifid": 0, "host": HOST, "direction": "recvd"}, slices),
    ("GET", R + "host/dscp/stats.lua", {"ifid": 0, "host": HOST, "direction": "sent"}, slices),
    ("GET", R + "flow/active.lua", {"ifid": 0, "host": HOST, "currentPage": 1, "perPage": 10}, flows),
    ("GET", R + "alert/type/counters.lua", {"ifid": 0, "status": "historical", **W}, [{**entity, "alert_id": int}]),
    ("GET", R + "alert/severity/counters.lua", {"ifid": 0, "status": "historical", **W}, [entity]),
    ("GET", R + "alert/top.lua", {"ifid": 0, **W}, cards),
    ("GET", R + "alert/top.lua", {"ifid": 0, **W, "ip": HOST + ";eq"}, cards),
    ("GET", P + "flow/alert/top.lua", {"ifid": 0, **W}, cards),
    *[("GET", R + "alert/list/alerts.lua", {"ifid": 0, "alert_family": f, **W, **CL}, rows_of_text) for f in
      "flow active_monitoring host interface mac network snmp system user".split()],
    ("POST", R + "timeseries/ts.lua", {"ts_schema": "host:traffic", "ts_query": f"ifid:0,host:{HOST}", **W}, traffic),
    ("GET", R + "timeseries/type/consts.lua", {}, [{"schema": str, "id": str, "label": str, "priority": int, "measure_unit": str,
                                                    "scale": str, "timeseries": dict, "default_visible": bool}]),
    ("POST", R + "timeseries/ts.lua", {"ts_schema": "iface:traffic_rxtx", "ts_query": "ifid:0", **W}, traffic),
    ("POST", R + "timeseries/ts.lua", {"ts_schema": "iface:score", "ts_query": "ifid:0", **W}, series),
    ("POST", P + "db/flows.lua", {"ifid": "0", **W, "select_clause": "*", "where_clause": "", "maxhits_clause": 10,
                                  "group_by_clause": "", "order_by_clause": ""}, [dict]),
    ("POST", P + "db/flows.lua", {"ifid": "0", **W, "select_clause":
                                  "IPV4_SRC_ADDR,IPV4_DST_ADDR,PROTOCOL,IP_SRC_PORT,IP_DST_PORT,L7_PROTO,L7_PROTO_MASTER",
                                  "where_clause": f'(IP_PROTOCOL_VERSION=4) AND IPV4_SRC_ADDR=("{HOST}") AND (PROTOCOL=6) ',
                                  "maxhits_clause": 10, "group_by_clause": "", "order_by_clause": ""},
     [dict.fromkeys("IPV4_SRC_ADDR IPV4_DST_ADDR PROTOCOL IP_SRC_PORT IP_DST_PORT L7_PROTO L7_PROTO_MASTER".split(), str)]),
    ("GET", P + "db/topk_flows.lua", {"ifid": 0, "begin_time_clause": B, "end_time_clause": E, "maxhits_clause": 10},
     [dict.fromkeys("IPV4_SRC_ADDR IPV4_DST_ADDR L7_PROTO BYTES".split(), str)]),
    *[("GET", P + "db/historical_db_search.lua",
       {"ifid": 0, **W, "query_preset": "top_conversations", "order": "DESC", "start": 0, "length": 10, "sort": "bytes",
        "visible_columns": "cli_ip,srv_ip,bytes", **ip},
       {"records": [{"cli_name": str, "srv_name": str, "cli_ip": {"ip": str}, "srv_ip": {"ip": str}, "bytes": (int, str)}]})
      for ip in ({}, {"ip": HOST + ";eq"})],
    ("GET", P + "host/top/ts_stats.lua", {"ts_query": f"ifid:0,host:{HOST}", "detail_view": "top_protocols", **W,
                                          "new_charts": True}, slices),
    # other clients
    ("POST", R + "host/custom_data.lua",  # the Prometheus exporter
     {"ifid": 0, "field_alias": "ip,bytes.sent,bytes.rcvd,active_flows.as_client,active_flows.as_server,dns,num_alerts,mac,"
      "total_flows.as_client,total_flows.as_server,vlan,total_alerts,name,ifid,packets.rcvd,packets.sent"},
     [{"ip": str, "bytes.sent": num, "bytes.rcvd": num, "dns": {"rcvd": dict, "sent": dict}, "mac": str, "vlan": int, "ifid": int,
       "name": str, "packets.rcvd": num, "total_flows.as_client": num}]),
    ("GET", "/lua/rest/version.lua", {}, {"current_version": str, "supported_versions": [{"version": str}]}),
    ("GET", R + "ntopng/about.lua", {}, {"version": str, "release": str}),
    ("GET", R + "interface/l7/data.lua", {"ifid": 0}, [{"label": str, "bytes.sent": num, "packets": num, "num_flows": num}]),
    ("GET", R + "flow/alert/list.lua", {"ifid": 0, **W, "start": 0, "length": 3, "sort": "tstamp", "order": "desc"}, alerts),
    ("GET", R + "flow/alert/ts.lua", {"ifid": 0, "by_24h": True}, dict),
    ("GET", R + "host/active.lua", {"ifid": 0, "sortColumn": "column_traffic", "sortOrder": "desc", "perPage": 5,
                                    "mode": "local"}, hosts),
    ("GET", P + "all/alert/top.lua", {"ifid": 0, **W}, cards),
    ("GET", R + "flow/active_list.lua", {"ifid": 0, "start": 0, "length": 10}, list),
    ("GET", R + "flow/aggregated_live_flows.lua", {"ifid": 0, "host": HOST, "aggregation_criteria": "server"}, list),
]

URL, TOKEN = sys.argv[1], sys.argv[2]
BASIC = {"auth": ("admin", TOKEN), "timeout": 120}
n = bad = 0


def ok(what, why):
    global n, bad
    n += 1
    print(f"{'not ' if why else ''}ok {n} - {what}")
    if why:
        print(f"# {why}")
        bad = 1


def ask(method, path, args, **kw):
    kw = kw or BASIC
    if method == "POST":
        return requests.post(URL + path, json=args, **{"timeout": 120, **kw})
    return requests.get(URL + path, params=args, **{"timeout": 120, **kw})


def envelope(r):
    if r.status_code != 200 or not r.headers["Content-Type"].startswith("application/json"):
        return f"{r.status_code} {r.text[:200]}"
    return wrong(r.json(), {"rc": int, "rc_str": str, "rc_str_hr": str}) or (
        None if r.json()["rc"] == 0 and r.json()["rc_str"] == "OK" and "rsp" in r.json() else "envelope")


for method, path, args, shape in REQUESTS:
    r = ask(method, path, args)
    ok(f"{method} {path} {json.dumps(args)[:70]}", envelope(r) or wrong(r.json()["rsp"], shape))
    other = ask("GET" if method == "POST" else "POST", path, args)
    ok("the same by the other method", envelope(other))

TEST = "/lua/rest/v2/connect/test.lua"
for what, kw in (("token", {"headers": {"Authorization": "Token " + TOKEN}}), ("basic", {"auth": ("any", TOKEN)}),
                 ("cookie", {"cookies": {"user": "admin", "password": TOKEN}})):
    ok("login by " + what, envelope(ask("GET", TEST, {}, **kw)))
r = ask("POST", "/lua/rest/v2/create/ntopng/session.lua", {"username": "admin", "auth_session_duration": 60})
session = r.json()["rsp"]["session"]
ok("login by session", envelope(ask("GET", TEST, {}, cookies={"session": session})))
for what, kw in (("a wrong password", {"auth": ("admin", "wrong")}), ("a wrong token", {"headers": {"Authorization": "Token x"}}),
                 ("a session that is none", {"cookies": {"session": "0" * 32}}),
                 ("a wrong password in a cookie", {"cookies": {"user": "a", "password": "b"}}), ("nothing", {"headers": {"X": "y"}})):
    r = ask("GET", TEST, {}, **kw)
    good = r.status_code == 401 and not r.headers["Content-Type"].startswith("application/json")
    ok(what + " is refused as the client understands it", None if good else f"{r.status_code} {r.headers['Content-Type']}")

ok("a slash too many", envelope(ask("GET", "/" + TEST, {})))
for what, path, args, code, rc in (
        ("an interface that is none", R + "interface/data.lua", {"ifid": 9}, 400, -2),
        ("no interface", R + "interface/data.lua", {}, 400, -2),
        ("a host that is unknown", R + "host/data.lua", {"ifid": 0, "host": "203.0.113.99"}, 404, -1),
        ("a host that is none", R + "host/data.lua", {"ifid": 0, "host": "x"}, 400, -4),
        ("an unknown column", P + "db/flows.lua", {"ifid": 0, **W, "select_clause": "password"}, 400, -5),
        ("a table that is none of ours", P + "db/flows.lua",
         {"ifid": 0, **W, "where_clause": "1=1) UNION SELECT * FROM sqlite_master --"}, 400, -5),
        ("a second statement", P + "db/flows.lua", {"ifid": 0, **W, "where_clause": "SCORE>1; DROP TABLE flows"}, 400, -5),
        ("what is no word of it", P + "db/flows.lua", {"ifid": 0, **W, "where_clause": "INFO = \u00fc"}, 400, -5),
        ("a function that reads files", P + "db/flows.lua", {"ifid": 0, **W, "select_clause": "readfile(INFO)"}, 400, -5),
        ("what only the configuration sets", "/lua/rest/v2/set/network/alias.lua", {"network": "192.0.2.0/24"}, 501, -100),
        ("nothing to say of a host", "/lua/rest/v2/set/host/alias.lua", {"host": HOST}, 400, -5),
        ("an alias of no host", "/lua/rest/v2/set/host/alias.lua", {"host": "x", "custom_name": "y"}, 400, -4),
        ("an alias that is too long", "/lua/rest/v2/set/host/alias.lua", {"host": HOST, "custom_name": "y" * 200}, 400, -5),
        ("a token without a name", "/lua/rest/v2/create/ntopng/api_token.lua", {}, 400, -5)):
    r = ask("POST", path, args)
    good = r.status_code == code and r.json()["rc"] == rc and r.json()["rsp"] == []
    ok(f"{what}: {rc}, {code}", None if good else f"{r.status_code} {r.text[:200]}")

def severities(**args):
    rows = ask("GET", R + "flow/alert/list.lua", {"ifid": 0, "length": 1000, **args}).json()["rsp"]["records"]
    return sorted(x["severity"]["value"] for x in rows)


there = severities()
ok("alerts of more than one severity", None if len(set(there)) > 1 else str(there))
one, other = sorted(set(there))[:2]
for what, want in ((f"{one},{other};in", [x for x in there if x in (one, other)]), (f"{one};nin", [x for x in there if x != one]),
                   (f"{other};eq", [x for x in there if x == other]), (f"{other};gte", [x for x in there if x >= other])):
    got = severities(severity=what)
    ok("severity " + what, None if got == want else f"{got} {want}")
def listed(**args):
    return ask("GET", R + "flow/alert/list.lua", {"ifid": 0, **args}).json()


every = listed()
rows = every["rsp"]["records"]
for key, name in (("tstamp", "tstamp"), ("alert_category", "alert_category")):
    value = rows[len(rows) // 2][key]["value"]
    for op, keep in (("eq", lambda x: x == value), ("neq", lambda x: x != value), ("gt", lambda x: x > value), ("lte", lambda x: x <= value),
                     ("lt", lambda x: x < value), ("gte", lambda x: x >= value), ("in", lambda x: x == value), ("nin", lambda x: x != value)):
        want = [x["row_id"] for x in rows if keep(x[key]["value"])]
        got = listed(**{name: f"{value};{op}"})
        if name == "tstamp" or op in ("eq", "neq", "in", "nin"):
            ok(f"alerts by {name};{op}", None if [x["row_id"] for x in got["rsp"]["records"]] == want else f"{want} {str(got)[:200]}")
page = listed(start=1, length=2)
ok("a page of alerts", None if [x["row_id"] for x in page["rsp"]["records"]] == [x["row_id"] for x in rows[1:3]] else str(page)[:200])
ok("tells how many there are", None if page["recordsTotal"] == every["recordsTotal"] == len(rows) > 3 else str(page["recordsTotal"]))
ok("a page of none, too", None if (lambda p: p["recordsTotal"] == len(rows) and p["rsp"]["records"] == [])(listed(length=0)) else "no")
by_hour = {}
for x in rows:
    day = x["tstamp"]["value"] // 86400 * 86400
    by_hour.setdefault(str(day), [0] * 24)[x["tstamp"]["value"] % 86400 // 3600] += 1
got = ask("GET", R + "flow/alert/ts.lua", {"ifid": 0, "by_24h": True}).json()["rsp"]
ok("alerts by the hour", None if got == by_hour else f"{got} {by_hour}")
some = ask("GET", R + "flow/alert/ts.lua", {"ifid": 0, "severity": f"{one};eq"}).json()["rsp"]
ok("those of a severity", None if sum(map(sum, some.values())) == there.count(one) else str(some))
LIST, ACK = R + "flow/alert/list.lua", "/lua/rest/v2/acknowledge/flow/alerts.lua"
row = ask("GET", LIST, {"ifid": 0, "length": 1}).json()["rsp"]["records"][0]["row_id"]
r = ask("GET", ACK, {"ifid": 0, "row_id": row})
ok("GET acknowledges nothing", None if r.status_code == 400 else r.text[:100])
ok("POST does", envelope(ask("POST", ACK, {"ifid": 0, "row_id": row, "label": "seen"})))
got = [x for x in ask("GET", LIST, {"ifid": 0, "status": "acknowledged"}).json()["rsp"]["records"] if x["row_id"] == row]
ok("and it is seen", None if got and got[0]["user_label"] == "seen" else str(got)[:200])
ALIAS, NOTES, CONFIG = (f"/lua/rest/v2/set/host/{what}.lua" for what in ("alias", "notes", "config"))


def named():
    return ask("GET", R + "host/data.lua", {"ifid": 0, "host": HOST}).json()["rsp"]["name"]


called = named()
ok("a host gets an alias", envelope(ask("POST", ALIAS, {"host": HOST, "vlan": 0, "custom_name": "prüfling <1>"})))
ok("and is called so at once", None if named() == "prüfling <1>" else named())
got = ask("GET", R + "host/find.lua", {"ifid": 0, "query": "prüfling"}).json()["rsp"]["results"]
ok("it is found by it", None if [x["ip"] for x in got] == [HOST] else str(got)[:200])
ok("notes", envelope(ask("POST", NOTES, {"host": HOST, "custom_notes": "in the lab"})))
ok("both at once", envelope(ask("POST", CONFIG, {"host": HOST, "custom_name": "two", "custom_notes": "in the yard"})))
got = requests.get(URL + "/api/v1/hosts/" + HOST, **BASIC).json()
ok("are in /api/v1, too", None if (got["alias"], got["notes"]) == ("two", "in the yard") else str(got)[:200])
r = ask("GET", ALIAS, {"host": HOST, "custom_name": "by GET"})
ok("GET gives no alias", None if r.status_code == 400 and named() == "two" else r.text[:100])
r = ask("POST", ALIAS, {"host": HOST, "custom_name": "by a cookie"}, cookies={"session": session})
ok("nor does a cookie", None if r.status_code == 401 and named() == "two" else r.text[:100])
ok("an empty one takes it away", envelope(ask("POST", ALIAS, {"host": HOST, "custom_name": ""})))
ok("and the host has its own name again", None if named() == called else named())
r = ask("POST", "/lua/rest/v2/create/ntopng/api_token.lua", {"username": "scripts"})
made = {"auth": ("scripts", r.json()["rsp"]["api_token"])}
ok("a token is made, with which one may read", envelope(ask("GET", TEST, {}, **made)))
r = ask("POST", ALIAS, {"host": HOST, "custom_name": "by it"}, **made)
ok("and not write", None if r.status_code == 403 and r.json()["rc"] == -3 and named() == called else r.text[:100])

r = ask("POST", ACK, {"ifid": 0, "row_id": "0" * 26})
ok("an alert that is none", None if r.status_code == 404 and r.json()["rc"] == -1 else r.text[:100])

r = ask("POST", P + "db/flows.lua", {"ifid": 0, **W, "select_clause": "IPV4_DST_ADDR,SUM(TOTAL_BYTES) TOT", "group_by_clause":
                                     "IPV4_DST_ADDR", "order_by_clause": "TOT DESC", "maxhits_clause": 1000}).json()["rsp"]
sums = [int(x["TOT"]) for x in r]
ok("groups are in the order asked for", None if sums and sums == sorted(sums, reverse=True) else str(sums)[:100])
every = ask("POST", P + "db/flows.lua", {"ifid": 0, **W, "select_clause": "TOTAL_BYTES", "maxhits_clause": 50000}).json()["rsp"]
total = sum(int(x["TOTAL_BYTES"]) for x in every)
ok("they sum up to all", None if total == sum(sums) else f"{total} {sum(sums)}")
got = ask("GET", R + "timeseries/ts.lua", {"ts_schema": "iface:traffic_rxtx", "ts_query": "ifid:0", **W}).json()["rsp"]
drawn = sum(s["total"] for s in got["statistics"]["by_serie"])
ok("and so does the series", None if abs(drawn - total) <= total / 100 else f"{drawn} {total}")
# By the minute and coarser it is what is stored so.
got = ask("GET", R + "timeseries/ts.lua", {"ts_schema": "iface:traffic_rxtx", "ts_query": "ifid:0", "limit": 40,
                                           "epoch_begin": int(B) // 60 * 60 - 3600, "epoch_end": int(E) + 3600}).json()["rsp"]
stored = requests.get(URL + "/api/v1/series/query?step=60&by=sensor", **BASIC).json()["data"]
for k, field in enumerate(("bytes_sent", "bytes_rcvd")):
    want = [sum(p[field] for p in stored if 0 <= parse(p["time"]) - t < got["step"])
            for t in range(got["start"], got["start"] + got["count"] * got["step"], got["step"])]
    have = [round(v * got["step"]) for v in got["series"][k]["data"]]
    ok(f"{field}: each point is what is stored", None if got["step"] % 60 == 0 and sum(want) > 0 and want == have
       else f"{got['step']} {want} {have}")
got = ask("GET", P + "db/ts.lua", {"ifid": 0, "epoch_begin": int(B) - 86400, "epoch_end": int(E) + 86400}).json()["rsp"]
counted = sum(n for hours in got.values() for n in hours)
ok("flows by the hour", None if counted == sum(p["flows"] for p in stored) > 0 and all(int(d) % 86400 == 0 and len(h) == 24
   for d, h in got.items()) else str(got)[:200])
got = ask("GET", P + "interface/top_ts_stats.lua", {"ts_query": "ifid:0", **W}).json()["rsp"]
ok("applications of the sensor", None if sum(x["value"] for x in got) == total else f"{total} {got}")
got = ask("GET", P + "interface/top/score.lua", {"ifid": 0, "perPage": 3}).json()["rsp"]
ok("hosts by score", None if got and [x["value"] for x in got] == sorted((x["value"] for x in got), reverse=True) and
   all(x["value"] > 0 for x in got) else str(got)[:200])
pages, k = [], 1
while True:
    rsp = ask("GET", R + "host/active.lua", {"ifid": 0, "perPage": 2, "currentPage": k, "sortColumn": "column_ip"}).json()["rsp"]
    pages += [h["ip"] for h in rsp["data"]]
    if len(rsp["data"]) < 2:
        break
    k += 1
for args, keep in (({"traffic_type": "bidirectional"}, lambda h: h["bytes"]["sent"] and h["bytes"]["recvd"]),
                   ({"mode": "blacklisted"}, lambda h: h["is_blacklisted"]), ({"mode": "local"}, lambda h: h["is_localhost"])):
    every = ask("GET", R + "host/active.lua", {"ifid": 0, "perPage": 1000}).json()["rsp"]["data"]
    got = ask("GET", R + "host/active.lua", {"ifid": 0, **args}).json()["rsp"]["totalRows"]
    ok(f"active hosts by {args}", None if got == sum(1 for h in every if keep(h)) else f"{got} {len(every)}")
ok("pages have each host once", None if len(pages) == len(set(pages)) == rsp["totalRows"] else str(pages))
rows = ask("POST", R + "host/custom_data.lua", {"ifid": 0, "field_alias": "ip,bytes.sent,bytes.rcvd"}).json()["rsp"]
ok("chosen fields are those of all hosts", None if sorted(h["ip"] for h in rows) == sorted(pages) else str(rows)[:300])
one = ask("GET", R + "host/data.lua", {"ifid": 0, "host": HOST}).json()["rsp"]
got = [h for h in rows if h["ip"] == HOST]
ok("with their numbers", None if len(got) == 1 and all(one[k] == got[0][k] for k in got[0]) else f"{got} {str(one)[:200]}")
rows = ask("POST", R + "host/custom_data.lua", {"ifid": 0, "field_alias": "ip,dns,http,ndpi,bytes.sent,ndpi_categories"}).json()["rsp"]
live = requests.get(URL + "/api/v1/flows", params={"limit": 10000}, headers={"Authorization": "Bearer " + TOKEN}, timeout=15).json()["data"]
ips = {h["ip"] for h in rows}
ends = [f for f in live for end in {f["client"]["ip"], f["server"]["ip"]} if end in ips]
for what, asked, got in (
    ("queries of DNS", [f for f in live if "query" in f.get("dns", {})], [h["dns"]["sent"]["num_queries"] for h in rows]),
    ("of them for addresses", [f for f in live if f.get("dns", {}).get("type") == 1], [h["dns"]["sent"]["queries"]["num_a"] for h in rows]),
    ("as received", [f for f in live if "query" in f.get("dns", {})], [h["dns"]["rcvd"]["num_queries"] for h in rows]),
    ("requests of HTTP", [f for f in live if "method" in f.get("http", {})], [h["http"]["sender"]["query"]["total"] for h in rows]),
    ("their replies", [f for f in live if f.get("http", {}).get("status") and "method" in f["http"]], [h["http"]["receiver"]["response"]["total"] for h in rows]),
    ("flows by application", ends, [sum(a["num_flows"] for a in h["ndpi"].values()) for h in rows if h["ndpi"]]),
    ("flows by category", ends, [sum(a["num_flows"] for a in h["ndpi_categories"].values()) for h in rows if h["ndpi_categories"]]),
):
    ok(f"hosts together have all {what}", None if asked and len(asked) == sum(got) else f"{len(asked)} {sum(got)}")
mine = [f for f in live if HOST in (f["client"]["ip"], f["server"]["ip"])]
size = lambda f: f["client"].get("bytes", 0) + f["server"].get("bytes", 0)
W1 = {"ifid": 0, "host": HOST}
for path, want in (
    ("host/l4/proto_data", sum(map(size, mine))),
    ("host/l4/traffic_data", sum(map(size, mine))),
    ("host/l4/contacted_hosts_data", len(mine)),
    ("host/port/cli_port_data", sum(size(f) for f in mine if f["client"]["ip"] == HOST and f["server"].get("port"))),
    ("host/top/local/sites", sum(size(f) for f in mine if f["client"]["ip"] == HOST and f.get("hostname"))),
):
    got = ask("GET", R + path + ".lua", W1).json()["rsp"]
    ok(f"{path} adds up", None if want and sum(r["value"] for r in got) == want and all(r["label"] for r in got) else f"{want} {str(got)[:150]}")
got = ask("GET", R + "host/l4/data.lua", W1).json()["rsp"]
ok("so does its table", None if sum(r["total_bytes"] for r in got) == sum(map(size, mine)) else str(got)[:150])
got = ask("POST", R + "flow/traffic_stats.lua", {"ifid": 0, "host": HOST}).json()["rsp"]
ok("and the traffic of flows", None if got["totBytesSent"] + got["totBytesRcvd"] == sum(size(f) for f in mine if f["end_reason"] == "active") > 0 else str(got))
active = [f for f in live if f["end_reason"] == "active"]
some = next(f for f in active if f["app"].get("category_id") and f["app"].get("id"))
app, both = some["app"], lambda f: f["client"].get("packets", 0) and f["server"].get("packets", 0)
for args, keep in (
    ({"application": app["name"]}, lambda f: app["name"] in (f["app"]["name"], f["app"].get("master"))),
    ({"application": "X." + app["name"]}, lambda f: app["name"] in (f["app"]["name"], f["app"].get("master"))),
    ({"application": app["id"]}, lambda f: app["id"] in (f["app"].get("id"), f["app"].get("master_id"))),
    ({"category": app["category_id"]}, lambda f: f["app"].get("category_id") == app["category_id"]),
    ({"category": app["category"]}, lambda f: f["app"].get("category_id") == app["category_id"]),
    ({"traffic_type": "one_way"}, lambda f: not both(f)), ({"traffic_type": "bidirectional"}, both),
    ({"tcp_flow_state": "established"}, lambda f: f.get("tcp", {}).get("state") in ("established", "half_closed", "midstream")),
    ({"host": some["client"]["ip"] + "@0"}, lambda f: some["client"]["ip"] in (f["client"]["ip"], f["server"]["ip"])),
    ({"host": some["client"]["ip"] + "@7"}, lambda f: False),
):
    got = ask("GET", R + "flow/active.lua", {"ifid": 0, **args}).json()["rsp"]["totalRows"]
    want = sum(1 for f in active if keep(f))
    ok(f"active flows by {args}", None if got == want else f"{want} {got}")
server = next(f["server"]["ip"] for f in live if f["proto"] == "tcp" and f["server"].get("port"))
got = ask("GET", R + "host/open_ports.lua", {"ifid": 0, "host": server}).json()["rsp"]
want = {f["server"]["port"] for f in live if f["server"]["ip"] == server and f["server"].get("port")}
ok("ports are those of its flows", None if {r["port"] for r in got} == want else f"{want} {str(got)[:150]}")
got = ask("GET", R + "host/fingerprint/data.lua", {"ifid": 0, "host": next(f["client"]["ip"] for f in live if f.get("tls", {}).get("ja3c"))}).json()["rsp"]
ok("fingerprints", None if got and all(len(r["fingerprint"]) == 32 and r["num_uses"] > 0 for r in got) else str(got)[:150])
names = [c["id"] for c in ask("GET", P + "db/columns_info.lua", {}).json()["rsp"]]
got = ask("POST", P + "db/flows.lua", {"ifid": 0, **W, "select_clause": ",".join(names[:40]), "maxhits_clause": 1}).json()["rsp"]
ok("each column that is told may be asked for", None if got and set(got[0]) == set(names[:40]) else str(got)[:150])
# Every path of the table answers: with what it has, or that it cannot be set.
wrong_ones = []
described = requests.get(URL + "/api/v1/openapi.json", **BASIC).json()
NEEDED = {"ts_schema": "iface:traffic_rxtx", "ts_query": "ifid:0", "alert_family": "flow", "select_clause": "*",
          "custom_name": "", "custom_notes": "", "username": "everything"}
ANSWERS = (200, 400, 404, 501)
for row in requests.get(URL + "/api/v1/compat", headers={"Authorization": "Bearer " + TOKEN}, timeout=15).json()["data"]:
    good = (501,) if row["has"] == "no_write" else (200, 400) if "/acknowledge/" in row["path"] or "session" in row["path"] else (200,)
    kinds = described["paths"][row["path"]]["post"]["responses"]["default"]["content"]
    # As it is meant; without what it needs; for a sensor that there is not.
    for args, codes in (({"ifid": 0, "host": HOST, **W, **NEEDED}, good), ({}, ANSWERS), ({"ifid": 99, "host": HOST}, ANSWERS)):
        a = requests.post(URL + row["path"], json=args, headers={"Authorization": "Bearer " + TOKEN}, timeout=30)
        told = kinds.get(a.headers["Content-Type"])
        as_told = told and jsonschema.Draft202012Validator({**told["schema"], "components": described["components"]}).is_valid(a.json())
        if a.status_code not in codes or not as_told or (row["has"] == "nothing" and row["note"] == ""):
            wrong_ones.append((row["path"], args.get("ifid"), a.status_code))
ok("every path of the table answers as it says", None if not wrong_ones else str(wrong_ones)[:300])
r = ask("POST", R.replace("get/", "create/") + "ntopng/api_token.lua", {"username": "everything"}, headers={"Authorization": "Bearer " + TOKEN})
ok("a token whose name is taken: -23, 409", None if r.status_code == 409 and r.json()["rc"] == -23 else f"{r.status_code} {r.text[:100]}")
print(f"1..{n}")
sys.exit(bad)


-- What a script has beside the Lua 5.1 functions that change nothing outside of it.

---Values of the parameters: the defaults of the script's `params`, or what weir.yaml has for this check.
---@type table<string, number|string|boolean|string[]>
param = {}

---Packet time, seconds since 1970.
---@return number
function now() end

---A time in the configured time zone.
---@param time? number default: now()
---@return {hour: integer, min: integer, sec: integer, wday: integer, day: integer, month: integer, year: integer} wday 1 is Sunday
function localtime(time) end

---Raises an alert for a host, from any function.
---@param alert {host: string, vlan?: integer, message?: string, score?: integer, values?: table<string, any>}
function raise(alert) end

---@class weir.state_spec
---@field name string letters, digits and _
---@field ttl? number seconds after the last writing until an entry is gone; default 3600
---@field max? integer entries; default 100000. When it is full the one that was not written for longest makes room

---@class weir.state
---@field get fun(self: weir.state, key?: string|number): number|string|boolean|nil
---@field set fun(self: weir.state, key?: string|number, value: number|string|boolean|nil)
---@field add fun(self: weir.state, key?: string|number, n?: number): number adds n, default 1, to a number that begins at 0
---@field delete fun(self: weir.state, key?: string|number)
---@field count fun(): integer

---@class weir.flow_state
---@field get fun(self: weir.flow_state): number|string|boolean|nil
---@field set fun(self: weir.flow_state, value: number|string|boolean|nil)
---@field add fun(self: weir.flow_state, n?: number): number
---@field delete fun(self: weir.flow_state)

---Tables that outlive a call and a restart, to be made while the script is loaded.
state = {}
---@param spec weir.state_spec
---@return weir.state
function state.global(spec) end
---A key that is left out is the host at hand.
---@param spec weir.state_spec
---@return weir.state
function state.host(spec) end
---The key is the flow at hand.
---@param spec weir.state_spec
---@return weir.flow_state
function state.flow(spec) end

---Calls of the functions in the script's `timers`, in packet time.
timer = {}
---@param seconds number
---@param name string
---@param arg? number|string|boolean
function timer.after(seconds, name, arg) end
---@param seconds number at each multiple of so many seconds
---@param name string
function timer.every(seconds, name) end

---What a script returns.
---@class weir.check
---@field title? string
---@field description? string
---@field category? "security"|"network"|"system"|"internals"|"other"
---@field score? integer 1 to 250, default 50
---@field severity? "info"|"notice"|"warning"|"error"|"critical"|"emergency" instead of a score
---@field client_score? integer part of the score that the client gets, default half
---@field mitre? string
---@field api? 1 version of the interface that it is written for
---@field params? table<string, any> name = default, or name = {default = ..., unit = ..., doc = ...}
---@field on? string|string[] "start", "detected", "periodic", "end"; default "end"
---@field flow? fun(flow: weir.flow): boolean?, string?, table<string, any>?
---@field every? "minute"|"5min"|"hour"|"day"
---@field host? fun(host: weir.host): boolean?, string?, table<string, any>?
---@field alert? fun(alert: weir.alert): boolean?, string?, table<string, any>?
---@field timers? table<string, fun(arg: any)>

-- The words of a script's text.
local rt = ...

-- All words of a text with their places; text in quotes and comments left out.
function rt.words(source)
	local list, at = {}, 1
	while at <= #source do
		local from, to = string.find(source, "^%s+", at)
		if from then
			at = to + 1
		elseif string.find(source, "^%-%-%[=*%[", at) or string.find(source, "^%[=*%[", at) then
			local level = string.match(source, "^%-?%-?%[(=*)%[", at)
			local _, stop = string.find(source, "]" .. level .. "]", at, true)
			at = (stop or #source) + 1
		elseif string.find(source, "^%-%-", at) then
			at = (string.find(source, "[\n\r]", at) or #source) + 1
		elseif string.find(source, "^[\"']", at) then
			local quote = source:sub(at, at)
			at = at + 1
			while at <= #source and source:sub(at, at) ~= quote do
				at = at + (source:sub(at, at) == "\\" and 2 or 1)
			end
			at = at + 1
		else
			local word = string.match(source, "^[%a_][%w_]*", at) or string.match(source, "^%d[%w_.]*", at) or source:sub(at, at)
			list[#list + 1] = { word = word, at = at, stop = at + #word - 1 }
			at = at + #word
		end
	end
	return list
end

-- The text that is compiled: a line for the shell at its beginning says nothing to us.
function rt.plain_source(source)
	local mark = source:sub(1, 3) == "\239\187\191" and 4 or 1
	local from, to = string.find(source, "^#[^\n\r]*", mark)
	return source:sub(from and to + 1 or mark)
end

-- LuaJIT makes numbers with LL, ULL and i of the FFI's types, which no script is to have.
function rt.check_numbers(source, path)
	for _, w in ipairs(rt.words(source)) do
		if string.find(w.word, "^%d.*[lLiI]$") then
			local _, line = string.gsub(source:sub(1, w.at), "\n", "")
			error(("%s:%d: malformed number near '%s'"):format(path, line + 1, w.word), 0)
		end
	end
end

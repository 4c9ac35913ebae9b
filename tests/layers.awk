# awk -f layers.awk layers.txt FILES...   fails, with a line each, on an #include that the table forbids
FILENAME == ARGV[1] {
	sub(/#.*/, "")
	if (split($0, part, ":") == 2) {
		gsub(/ /, "", part[1])
		may[part[1]] = " " part[2] " "
	}
	next
}
function layer(path,   best, dir) {
	best = ""
	for (dir in may)
		if (index(path, dir "/") == 1 && length(dir) > length(best))
			best = dir
	return best
}
/^#include "/ {
	split($0, quoted, "\"")
	from = layer(FILENAME)
	to = quoted[2] ~ "/" ? layer(quoted[2]) : from
	if (from != to && index(may[from], " " to " ") == 0) {
		print FILENAME ":" FNR ": " (from == "" ? "(no layer)" : from) " may not include " quoted[2]
		bad = 1
	}
}
END { exit bad }

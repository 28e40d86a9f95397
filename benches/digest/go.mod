module longshore.dev/digest

go 1.21

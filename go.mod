module github.com/sgrules/sgrules

go 1.26.0

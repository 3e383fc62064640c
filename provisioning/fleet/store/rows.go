package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxRows is how many rows one statement inserts into SQLite, and how many
// names one query asks for.
const maxRows = 128

// insertRows inserts rows "INTO table (columns)", in their order, and calls
// each with what the tail returns. PostgreSQL gets them as one array a column.
// SQLite gets statements of 128, 64, 32… rows.
func (d dialect) insertRows(ctx context.Context, db runner, into, tail string, rows [][]any, each func(scanner) error) error {
	if d.name == "postgres" && len(rows) > 0 {
		from, args := columns(rows)
		return wrap(insertSome(ctx, db, "INSERT INTO "+into+" SELECT * FROM "+from+tail, args, each))
	}
	for size := maxRows; size > 0; size /= 2 {
		for ; len(rows) >= size; rows = rows[size:] {
			args := slices.Concat(rows[:size]...)
			query := "INSERT INTO " + into + " VALUES " + d.marks(size, len(rows[0])) + tail
			if err := insertSome(ctx, db, query, args, each); err != nil {
				return wrap(err)
			}
		}
	}
	return nil
}

// columns turns rows of texts and numbers into arrays, and says how
// PostgreSQL turns them back.
func columns(rows [][]any) (from string, args []any) {
	var casts []string
	for c, first := range rows[0] {
		if _, text := first.(string); text {
			args = append(args, column[string](rows, c))
			casts = append(casts, fmt.Sprintf("$%d::text[]", c+1))
		} else {
			args = append(args, column[int64](rows, c))
			casts = append(casts, fmt.Sprintf("$%d::bigint[]", c+1))
		}
	}
	return "unnest(" + strings.Join(casts, ", ") + ")", args
}

func column[T any](rows [][]any, c int) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = r[c].(T)
	}
	return out
}

func insertSome(ctx context.Context, db runner, query string, args []any, each func(scanner) error) error {
	if each == nil {
		_, err := db.ExecContext(ctx, query, args...)
		return err
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// marks is "($1,$2),($3,$4)" for 2 rows of 2; "(?,?),(?,?)" in SQLite, which
// looks for each name among all before it.
func (d dialect) marks(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteString(",")
		}
		if d.name == "sqlite" {
			b.WriteString("?")
		} else {
			b.WriteString("$" + strconv.Itoa(n+1))
		}
	}
	b.WriteString(")")
	return b.String()
}

// inChunks calls f with the parameters for some of the names at a time. A
// chunk is filled up with its last name, again so that statements are few.
func (d dialect) inChunks(names []string, f func(marks string, args []any) error) error {
	for len(names) > 0 {
		size := 1
		for size < len(names) && size < maxRows {
			size *= 2
		}
		n := min(size, len(names))
		args := make([]any, size)
		for i := range args {
			args[i] = names[min(i, n-1)]
		}
		list := d.marks(1, size)
		if err := f(list[1:len(list)-1], args); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

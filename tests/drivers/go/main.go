// pgx through the pooler. Usage: checks CHECK, with the URL in TIDEGATE_URL.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

type check func(ctx context.Context, conn *pgx.Conn) error

var checks = map[string]check{
	"login":        login,
	"statements":   statements,
	"transactions": transactions,
	"errors":       serverErrors,
	"batch":        batch,
	"copy":         copyRows,
	"cancel":       cancel,
	"large":        large,
	"many":         many,
}

func main() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, os.Getenv("TIDEGATE_URL"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return checks[name](ctx, conn)
}

// expect is nil when an error of the server with this SQLSTATE is what came.
func expect(err error, sqlstate string) error {
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == sqlstate {
		return nil
	}
	return fmt.Errorf("wanted %s, got %v", sqlstate, err)
}

func login(ctx context.Context, conn *pgx.Conn) error {
	var user string
	if err := conn.QueryRow(ctx, "SELECT current_user").Scan(&user); err != nil {
		return err
	}
	config := conn.Config().Copy()
	if user != config.User {
		return fmt.Errorf("logged in as %s", user)
	}
	config.Password = "not this one"
	_, err := pgx.ConnectConfig(ctx, config)
	return expect(err, "28P01")
}

func statements(ctx context.Context, conn *pgx.Conn) error {
	pids := map[int]bool{}
	for n := 0; n < 40; n++ {
		var pid, sum int
		sql := fmt.Sprintf("SELECT pg_backend_pid(), $1::int + %d", n%4)
		if err := conn.QueryRow(ctx, sql, n).Scan(&pid, &sum); err != nil {
			return err
		}
		if sum != n+n%4 {
			return fmt.Errorf("%d + %d = %d", n, n%4, sum)
		}
		pids[pid] = true
	}
	if len(pids) < 2 {
		return errors.New("one server answered everything")
	}
	return nil
}

func transactions(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "CREATE TABLE go_rows (n int PRIMARY KEY)"); err != nil {
		return err
	}
	for n, outcome := range []error{errors.New("undo"), nil} {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO go_rows VALUES ($1)", n); err != nil {
				return err
			}
			return outcome
		})
		if err != outcome {
			return err
		}
	}
	rows, err := conn.Query(ctx, "SELECT n FROM go_rows")
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err == nil && (len(found) != 1 || found[0] != 1) {
		err = fmt.Errorf("found %v", found)
	}
	return err
}

func serverErrors(ctx context.Context, conn *pgx.Conn) error {
	for n := 0; n < 5; n++ {
		_, err := conn.Exec(ctx, "SELECT 1 / $1::int", 0)
		if err := expect(err, "22012"); err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "SELEC $1", 0)
		if err := expect(err, "42601"); err != nil {
			return err
		}
		if err := conn.Ping(ctx); err != nil {
			return err
		}
	}
	return nil
}

func batch(ctx context.Context, conn *pgx.Conn) error {
	queries := &pgx.Batch{}
	for n := 0; n < 200; n++ {
		queries.Queue("SELECT $1::int * 3", n)
	}
	results := conn.SendBatch(ctx, queries)
	for n := 0; n < 200; n++ {
		var product int
		if err := results.QueryRow().Scan(&product); err != nil {
			return err
		}
		if product != n*3 {
			return fmt.Errorf("answer %d is %d", n, product)
		}
	}
	return results.Close()
}

func copyRows(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "CREATE TABLE go_copy (n int, text text)"); err != nil {
		return err
	}
	source := pgx.CopyFromSlice(20000, func(n int) ([]any, error) {
		return []any{n, strings.Repeat("y", n%100)}, nil
	})
	count, err := conn.CopyFrom(ctx, pgx.Identifier{"go_copy"}, []string{"n", "text"}, source)
	if err == nil && count != 20000 {
		err = fmt.Errorf("copied %d rows", count)
	}
	return err
}

// cancel asks the way pgx does when it is told to: on a connection of its own.
func cancel(ctx context.Context, conn *pgx.Conn) error {
	watcher, err := pgx.ConnectConfig(ctx, conn.Config().Copy())
	if err != nil {
		return err
	}
	defer watcher.Close(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SELECT pg_sleep(30)")
		done <- err
	}()
	for running := false; !running; {
		sql := "SELECT count(*) > 0 FROM pg_stat_activity" +
			" WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'"
		if err := watcher.QueryRow(ctx, sql).Scan(&running); err != nil {
			return err
		}
	}
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		return err
	}
	if err := expect(<-done, "57014"); err != nil {
		return err
	}
	return conn.Ping(ctx)
}

func large(ctx context.Context, conn *pgx.Conn) error {
	value := strings.Repeat("x", 20<<20)
	var back string
	if err := conn.QueryRow(ctx, "SELECT $1::text", value).Scan(&back); err != nil {
		return err
	}
	if back != value {
		return fmt.Errorf("%d bytes came back", len(back))
	}
	return nil
}

func many(ctx context.Context, conn *pgx.Conn) error {
	config, err := pgxpool.ParseConfig(conn.Config().ConnString())
	if err != nil {
		return err
	}
	config.MaxConns = 50
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	var group sync.WaitGroup
	failures := make(chan error, 1000)
	for n := 0; n < 1000; n++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			var back int
			err := pool.QueryRow(ctx, "SELECT $1::int", n).Scan(&back)
			if err == nil && back != n {
				err = fmt.Errorf("%d came back as %d", n, back)
			}
			if err != nil {
				failures <- err
			}
		}(n)
	}
	group.Wait()
	close(failures)
	return <-failures
}

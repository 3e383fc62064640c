package store

import (
	"context"
	"database/sql"
	"sync"
)

// prepared is a SQLite database whose queries are parsed once for each of its
// connections: parsing took most of the time of a kiosk's hello. PostgreSQL's
// driver does that by itself.
type prepared struct {
	*sql.DB

	mu         sync.RWMutex
	statements map[string]*sql.Stmt // by query; closed with the database
}

// maxStatements bounds them. Queries are constants of this package, so it is
// never reached.
const maxStatements = 500

// QueryContext is that of sql.DB.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.statement(ctx, query)
	if err != nil || s == nil {
		return p.DB.QueryContext(ctx, query, args...)
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.DB.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.statement(ctx, query)
	if err != nil || s == nil {
		return p.DB.QueryRowContext(ctx, query, args...) // its error is the one to tell
	}
	return s.QueryRowContext(ctx, args...)
}

// statement is a query's; nil when there are too many.
func (p *prepared) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	s, n := p.statements[query], len(p.statements)
	p.mu.RUnlock()
	if s != nil || n >= maxStatements {
		return s, nil
	}
	s, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.statements[query]; other != nil { // somebody was quicker
		return other, s.Close()
	}
	p.statements[query] = s
	return s, nil
}

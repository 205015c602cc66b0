package claimcheck

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// store keeps contents under keys of three parts, topic/ab/digest. Errors that may go
// away are retriable.
type store interface {
	// url is what precedes a key in a reference; it ends in a slash.
	url() string
	put(ctx context.Context, key string, content []byte) error
	// get returns the content, of at most limit bytes.
	get(ctx context.Context, key string, limit int64) ([]byte, error)
	close() error
}

// parseStoreURL reads store.url. The path ends in a slash.
func parseStoreURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("not a URL: %w", err)
	}
	switch {
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path):
	case u.Scheme == "s3" && u.Host != "":
	default:
		return nil, errors.New("it must be file:///directory or s3://bucket/prefix")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("it must hold nothing but a scheme and a path")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

func openStore(c *cd.Config) (store, error) {
	u, err := parseStoreURL(c.String("store.url"))
	if err != nil {
		return nil, cd.Invalid("store.url", c.String("store.url"), err.Error())
	}
	if u.Scheme == "file" {
		return newFiles(u.Path, realDisk{}), nil
	}
	or := func(value, variable string) string {
		if value == "" {
			return os.Getenv(variable)
		}
		return value
	}
	keys := credentials{
		id:     or(c.String("s3.access.key.id"), "AWS_ACCESS_KEY_ID"),
		secret: or(c.Password("s3.secret.access.key").Value(), "AWS_SECRET_ACCESS_KEY"),
		token:  or(c.Password("s3.session.token").Value(), "AWS_SESSION_TOKEN"),
	}
	if keys.id == "" || keys.secret == "" {
		return nil, errs.Config("A store in S3 needs s3.access.key.id and s3.secret.access.key, or their like in the environment")
	}
	return newS3(u.Host, strings.TrimPrefix(u.Path, "/"), c.String("s3.endpoint"), c.String("s3.region"), keys)
}

// files is a store in a directory. A value that was put survives a loss of power, since
// its reference may be in Kafka then.
type files struct {
	dir  string
	disk disk

	mu sync.Mutex
	// made are the directories that this process has seen to: they are there, and in
	// their parents' durable list of names.
	made map[string]bool
}

func newFiles(dir string, d disk) *files {
	return &files{dir: filepath.Clean(dir), disk: d, made: map[string]bool{}}
}

func (f *files) url() string { return (&url.URL{Scheme: "file", Path: f.dir + "/"}).String() }

func (f *files) path(key string) string { return filepath.Join(f.dir, filepath.FromSlash(key)) }

func (f *files) put(_ context.Context, key string, content []byte) (err error) {
	path := f.path(key)
	defer func() {
		if err != nil {
			err = errs.Wrap(errs.ClassRetriable, err, "Cannot keep a value in "+path+": "+err.Error())
		}
	}()
	dir := filepath.Dir(path)
	if err := f.makeDir(dir); err != nil {
		return err
	}
	// The same content is there already if the size is the same, since the key is its
	// digest. Who wrote it may have ended before the name was durable.
	if info, err := f.disk.Stat(path); err != nil || info.Size() != int64(len(content)) {
		if err := f.write(path, content); err != nil {
			return err
		}
	}
	return f.disk.SyncDir(dir)
}

// write gives a file its contents, whole or not at all.
func (f *files) write(path string, content []byte) error {
	tmp, err := f.disk.CreateTemp(filepath.Dir(path))
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = f.disk.Rename(tmp.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, f.disk.Remove(tmp.Name()))
	}
	return err
}

// makeDir makes a directory and those above it durably.
func (f *files) makeDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.makeDirLocked(dir)
}

func (f *files) makeDirLocked(dir string) error {
	parent := filepath.Dir(dir)
	if f.made[dir] || parent == dir {
		return nil
	}
	if err := f.makeDirLocked(parent); err != nil {
		return err
	}
	_, missing := f.disk.Stat(dir)
	if missing != nil {
		if err := f.disk.Mkdir(dir); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	// One that is there already may have been made by a process that ended just then. A
	// parent that this process may not read is somebody else's business.
	if err := f.disk.SyncDir(parent); err != nil && (missing != nil || !errors.Is(err, os.ErrPermission)) {
		return err
	}
	f.made[dir] = true
	return nil
}

func (f *files) get(_ context.Context, key string, limit int64) ([]byte, error) {
	path := f.path(key)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, gone(path)
	case err == nil && info.Size() > limit:
		return nil, tooLarge(path, limit)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, errs.Wrap(errs.ClassRetriable, err, "Cannot read the value "+path+": "+err.Error())
	}
	return b, nil
}

func (f *files) close() error { return nil }

func gone(place string) error {
	return errs.Data("There is no value at %s any more", place).WithHint("the store must keep values as long as the topic keeps their references")
}

func tooLarge(place string, limit int64) error {
	return errs.Data("The value at %s is larger than %d bytes", place, limit).WithHint("max.bytes allows more")
}

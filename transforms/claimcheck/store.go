package claimcheck

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

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
		return &files{u.Path}, nil
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

// files is a store in a directory.
type files struct{ dir string }

func (f *files) url() string { return (&url.URL{Scheme: "file", Path: f.dir}).String() }

func (f *files) path(key string) string { return filepath.Join(f.dir, filepath.FromSlash(key)) }

func (f *files) put(_ context.Context, key string, content []byte) (err error) {
	path := f.path(key)
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(content)) {
		return nil // the same content, since the key is its digest
	}
	defer func() {
		if err != nil {
			err = errs.Wrap(errs.ClassRetriable, err, "Cannot keep a value in "+path+": "+err.Error())
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
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
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(tmp.Name()))
	}
	return err
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

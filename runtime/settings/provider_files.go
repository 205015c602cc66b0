package settings

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect/errs"
)

// allowedPaths are the directories and files a provider may read; nil means all
// (org.apache.kafka.common.config.internals.AllowedPaths).
type allowedPaths []string

func newAllowedPaths(list string) (allowedPaths, error) {
	if list == "" {
		return nil, nil
	}
	allowed := allowedPaths{}
	for _, path := range strings.Split(strings.TrimRight(list, ","), ",") {
		path = normalize(path)
		if !filepath.IsAbs(path) {
			return nil, errs.Config("Path " + path + " is not absolute")
		}
		if _, err := os.Stat(path); err != nil {
			return nil, errs.Config("Path " + path + " does not exist")
		}
		allowed = append(allowed, path)
	}
	return allowed, nil
}

// parse returns the path to read, and false if it may not be read.
func (a allowedPaths) parse(path string) (string, bool) {
	if a == nil {
		return path, true
	}
	path = normalize(path)
	return path, slices.ContainsFunc(a, func(dir string) bool {
		rest, ok := strings.CutPrefix(path, dir)
		return ok && (rest == "" || rest[0] == filepath.Separator || strings.HasSuffix(dir, string(filepath.Separator)))
	})
}

// normalize cleans a path as Java's Path.normalize does, which leaves "" alone.
func normalize(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Clean(path)
}

// fileProvider reads values from properties files (FileConfigProvider): the path
// is the file, in UTF-8, the key a property.
type fileProvider struct {
	allowed allowedPaths
	log     *slog.Logger
}

func newFileProvider(params map[string]string, o ProviderOptions) (Provider, error) {
	allowed, err := newAllowedPaths(params["allowed.paths"])
	if err != nil {
		return nil, err
	}
	return fileProvider{allowed, o.Logger}, nil
}

func (p fileProvider) Get(_ context.Context, path string, keys []string) (ProviderData, error) {
	data := ProviderData{Values: map[string]string{}}
	if path == "" {
		return data, nil
	}
	file, ok := p.allowed.parse(path)
	if !ok {
		p.log.Warn("a config provider may not read the path, see its allowed.paths", "path", path)
		return data, nil
	}
	props, err := readFileUTF8(file)
	if err != nil {
		var malformed *errs.Error
		if errors.As(err, &malformed) {
			return data, malformed.WithHint("in %s, %s", file, malformed.Hint)
		}
		return data, errs.Wrap(errs.ClassConfig, err, "Could not read properties from file "+path)
	}
	pick(data.Values, props, keys)
	return data, nil
}

func (fileProvider) Close() error { return nil }

func readFileUTF8(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	props, err := ReadPropertiesUTF8(f)
	return props, errors.Join(err, f.Close())
}

func pick(into, from map[string]string, keys []string) {
	for _, key := range keys {
		if value, ok := from[key]; ok {
			into[key] = value
		}
	}
}

// directoryProvider reads values from files of their own (DirectoryConfigProvider):
// the path is a directory, the key the name of a file in it, whose whole content
// is the value.
type directoryProvider struct {
	allowed allowedPaths
	log     *slog.Logger
}

func newDirectoryProvider(params map[string]string, o ProviderOptions) (Provider, error) {
	allowed, err := newAllowedPaths(params["allowed.paths"])
	if err != nil {
		return nil, err
	}
	return directoryProvider{allowed, o.Logger}, nil
}

func (p directoryProvider) Get(_ context.Context, path string, keys []string) (ProviderData, error) {
	data := ProviderData{Values: map[string]string{}}
	if path == "" {
		return data, nil
	}
	dir, ok := p.allowed.parse(path)
	if !ok {
		p.log.Warn("a config provider may not read the path, see its allowed.paths", "path", path)
		return data, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		p.log.Warn("a config provider was given a path that is not a directory", "path", path)
		return data, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return data, errs.Wrap(errs.ClassConfig, err, "Could not list directory "+dir)
	}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		if !slices.Contains(keys, entry.Name()) || !isRegular(file) {
			continue
		}
		value, err := os.ReadFile(file)
		if err == nil && !utf8.Valid(value) {
			err = errors.New("it is not UTF-8")
		}
		if err != nil {
			return data, errs.Wrap(errs.ClassConfig, err, "Could not read file "+file+" for property "+entry.Name())
		}
		data.Values[entry.Name()] = string(value)
	}
	return data, nil
}

func (directoryProvider) Close() error { return nil }

// isRegular follows symbolic links, which is how Kubernetes mounts secrets.
func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type()&fs.ModeType == 0
}

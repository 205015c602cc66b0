package claimcheck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// s3 is a store in a bucket of S3 or a service that is compatible with it.
type s3 struct {
	bucket, prefix string
	base           string // URL before the key's path, the prefix included
	region         string
	keys           credentials
	client         *http.Client
	now            func() time.Time
}

func newS3(bucket, prefix, endpoint, region string, keys credentials) (*s3, error) {
	s := &s3{bucket: bucket, prefix: prefix, region: region, keys: keys, now: time.Now, client: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}}
	if endpoint == "" {
		s.base = "https://" + bucket + ".s3." + region + ".amazonaws.com/" + escapePath(prefix)
		return s, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, cd.Invalid("s3.endpoint", endpoint, "it must be a URL such as http://minio:9000")
	}
	// Other services are addressed by path: their hosts seldom have names for each bucket.
	s.base = strings.TrimSuffix(u.Scheme+"://"+u.Host+u.EscapedPath(), "/") + "/" + bucket + "/" + escapePath(prefix)
	return s, nil
}

func (s *s3) url() string { return "s3://" + s.bucket + "/" + s.prefix }

func (s *s3) put(ctx context.Context, key string, content []byte) error {
	res, err := s.do(ctx, http.MethodPut, key, content)
	if err != nil {
		return s.failed("keep", key, err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return s.failed("keep", key, err)
	}
	return nil
}

func (s *s3) get(ctx context.Context, key string, limit int64) ([]byte, error) {
	res, err := s.do(ctx, http.MethodGet, key, nil)
	if err != nil {
		return nil, s.failed("read", key, err)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, s.failed("read", key, err)
	}
	if int64(len(b)) > limit {
		return nil, tooLarge(s.url()+key, limit)
	}
	return b, nil
}

// do sends a request and returns an answer of success.
func (s *s3) do(ctx context.Context, method, key string, content []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+escapePath(key), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	sign(req, hex.EncodeToString(sum[:]), s.keys, s.region, s.now())
	res, err := s.client.Do(req)
	if err != nil || res.StatusCode < 300 {
		return res, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 2048))
	return nil, errors.Join(&status{res.StatusCode, strings.TrimSpace(string(text))}, err, res.Body.Close())
}

// status is an answer that is none of success.
type status struct {
	code int
	text string
}

func (e *status) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.text) }

// failed labels an error: what the service refuses for good, or what may go away.
func (s *s3) failed(what, key string, err error) error {
	var refused *status
	if errors.As(err, &refused) {
		switch {
		case refused.code == http.StatusNotFound && what == "read":
			return gone(s.url() + key)
		case refused.code < 500 && refused.code != http.StatusTooManyRequests && refused.code != http.StatusRequestTimeout:
			return errs.Wrap(errs.ClassConnect, err, "Cannot "+what+" the value "+s.url()+key+": "+err.Error())
		}
	}
	return errs.Wrap(errs.ClassRetriable, err, "Cannot "+what+" the value "+s.url()+key+": "+err.Error())
}

func (s *s3) close() error {
	s.client.CloseIdleConnections()
	return nil
}

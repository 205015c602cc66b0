package registry

import (
	"context"
	"crypto/md5" // #nosec G501 -- GUIDs of schemas are MD5
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/internal/kafkassl"
)

// maxAnswer is the largest answer that is read.
const maxAnswer = 64 << 20

// HTTP is a registry at URLs (CachedSchemaRegistryClient and RestService). It does not
// keep answers.
type HTTP struct {
	client    *sr.Client
	transport *http.Transport
	retries   int
	wait      time.Duration
	maxWait   time.Duration
}

// NewHTTP returns the client that the settings of a converter describe.
func NewHTTP(props map[string]string) (*HTTP, error) {
	_, c, err := parse(props, false)
	if err != nil {
		return nil, err
	}
	return newHTTP(c)
}

func newHTTP(c *configdef.Config) (*HTTP, error) {
	urls := c.List(urlKey)
	users := map[string]*url.Userinfo{} // by host: they must not stand in errors
	for i, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, errs.InvalidValue(urlKey, configdef.Hidden, fmt.Sprintf("number %d is no URL such as http://registry:8081", i+1))
		}
		if u.User != nil {
			users[u.Host], u.User = u.User, nil
		}
		urls[i] = u.String()
	}
	if len(urls) == 0 {
		return nil, errs.Config("Missing schema registry url!").WithHint("set %s", urlKey)
	}
	if c.Bool(randomizeKey) {
		// #nosec G404 -- any URL will do
		n := rand.IntN(len(urls))
		urls = append(urls[n:], urls[:n]...)
	}
	tlsConfig, err := kafkassl.From(c, namespace).Client()
	if err != nil {
		return nil, err
	}
	millis := func(name string) time.Duration { return time.Duration(c.Int(name)) * time.Millisecond }
	dialer := &net.Dialer{Timeout: millis(connectTimeoutKey)}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.DialContext, transport.ResponseHeaderTimeout = tlsConfig, dialer.DialContext, millis(readTimeoutKey)
	if host := c.String(proxyHostKey); host != "" {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(int(c.Int(proxyPortKey))))})
	}
	authorize, err := authorization(c, users)
	if err != nil {
		return nil, err
	}
	headers := c.OriginalsWithPrefix(headerPrefix)
	client, err := sr.NewClient(
		sr.URLs(urls...), sr.UserAgent("moldau"),
		sr.HTTPClient(&http.Client{Transport: limited{transport}, Timeout: millis(connectTimeoutKey) + millis(readTimeoutKey)}),
		sr.PreReq(func(r *http.Request) error {
			for name, value := range headers {
				r.Header.Set(name, value)
			}
			return authorize(r)
		}))
	if err != nil {
		return nil, errs.Wrap(errs.ClassConfig, err, "cannot make a client of the schema registry: %v", err)
	}
	return &HTTP{client: client, transport: transport, retries: max(0, int(c.Int(retriesKey))), wait: millis(retryWaitKey), maxWait: millis(retryMaxWaitKey)}, nil
}

func (h *HTTP) close() { h.transport.CloseIdleConnections() }

// Close lets go of idle connections.
func (h *HTTP) Close() error {
	h.close()
	return nil
}

// limited bounds what is read of an answer.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// authorization returns what adds the credentials of the settings to a request.
func authorization(c *configdef.Config, users map[string]*url.Userinfo) (func(*http.Request) error, error) {
	given := c.Originals()
	value := func(name string) (string, bool) {
		v, ok := given[namespace+name]
		if !ok {
			v, ok = given[name]
		}
		return v, ok && v != ""
	}
	basic, hasBasic := value(basicSourceKey)
	bearer, hasBearer := value(bearerSourceKey)
	if _, ok := value(basicUserKey); ok && !hasBasic && !hasBearer {
		return nil, errs.InvalidValue(basicUserKey, configdef.Hidden, "it has no effect without "+basicSourceKey+"=USER_INFO")
	}
	switch {
	case hasBasic && hasBearer:
		return nil, errs.Config("Only one of '%s' and '%s' may be specified", basicSourceKey, bearerSourceKey)
	case hasBasic:
		return basicAuthorization(basic, users, value)
	case hasBearer:
		return bearerAuthorization(c, bearer)
	}
	return basicAuthorization("URL", users, value)
}

func basicAuthorization(source string, users map[string]*url.Userinfo, value func(string) (string, bool)) (func(*http.Request) error, error) {
	switch source {
	case "URL":
		return func(r *http.Request) error {
			if u := users[r.URL.Host]; u != nil {
				password, _ := u.Password()
				r.SetBasicAuth(u.Username(), password)
			}
			return nil
		}, nil
	case "USER_INFO":
		info, _ := value(basicUserKey)
		user, password, ok := strings.Cut(info, ":")
		if !ok {
			return nil, errs.Config("%s must be provided when %s is set to USER_INFO", basicUserKey, basicSourceKey).
				WithHint("expected user:password")
		}
		return func(r *http.Request) error {
			r.SetBasicAuth(user, password)
			return nil
		}, nil
	}
	return nil, errs.InvalidValue(basicSourceKey, source, "expected URL or USER_INFO")
}

func bearerAuthorization(c *configdef.Config, source string) (func(*http.Request) error, error) {
	named := func(r *http.Request, token string) {
		r.Header.Set("Authorization", "Bearer "+token)
		if pool := c.String(bearerPoolKey); pool != "" {
			r.Header.Set("Confluent-Identity-Pool-Id", pool)
		}
		if cluster := c.String(bearerClusterKey); cluster != "" {
			r.Header.Set("target-sr-cluster", cluster)
		}
	}
	switch source {
	case "STATIC_TOKEN":
		token := c.Password(bearerTokenKey)
		if token == "" {
			return nil, errs.Config("%s is missing: %s=STATIC_TOKEN needs it", bearerTokenKey, bearerSourceKey)
		}
		return func(r *http.Request) error {
			named(r, token.Value())
			return nil
		}, nil
	case "OAUTHBEARER":
		for _, name := range []string{bearerURLKey, bearerIDKey} {
			if c.String(name) == "" {
				return nil, errs.Config("%s is missing: %s=OAUTHBEARER needs it", name, bearerSourceKey)
			}
		}
		config := clientcredentials.Config{ClientID: c.String(bearerIDKey), ClientSecret: c.Password(bearerSecretKey).Value(), TokenURL: c.String(bearerURLKey)}
		if scope := c.String(bearerScopeKey); scope != "" {
			config.Scopes = strings.Fields(scope)
		}
		provider := &http.Client{Timeout: time.Duration(c.Int(readTimeoutKey)) * time.Millisecond}
		source := oauth2.ReuseTokenSource(nil, config.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, provider)))
		return func(r *http.Request) error {
			token, err := source.Token()
			if err != nil {
				return fmt.Errorf("asking %s for a token: %w", config.TokenURL, err)
			}
			named(r, token.AccessToken)
			return nil
		}, nil
	}
	return nil, errs.InvalidValue(bearerSourceKey, source, "expected STATIC_TOKEN or OAUTHBEARER")
}

// do sends a request, again while that may help (RetryExecutor).
func (h *HTTP) do(ctx context.Context, method, path string, body, into any) error {
	for try := 0; ; try++ {
		err := h.client.Do(ctx, method, path, body, into)
		if err == nil || ctx.Err() != nil {
			return err
		}
		var refused *sr.ResponseError
		retriable := true
		if errors.As(err, &refused) {
			e := answered(refused)
			err, retriable = e, e.retriable()
		} else {
			err = unreachable(err)
		}
		if !retriable || try >= h.retries {
			return err
		}
		ceiling := min(h.wait<<min(try, 30), h.maxWait)
		if ceiling > 0 {
			// #nosec G404 -- jitter
			if sleep(ctx, rand.N(ceiling)+1) != nil {
				return err
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answered is a refusal in the form of Confluent's client.
func answered(r *sr.ResponseError) *Error {
	const unparsable = 50005
	if r.ErrorCode == 0 && r.Message == "" {
		return &Error{r.StatusCode, unparsable, fmt.Sprintf("Unable to parse error message from schema registry: '(%s)'", r.Raw)}
	}
	return &Error{r.StatusCode, r.ErrorCode, r.Message}
}

// sent is a schema in a request.
type sent struct {
	Format     Format      `json:"schemaType,omitempty"`
	References []Reference `json:"references,omitempty"`
	Text       string      `json:"schema"`
}

func sending(d Document) sent { return sent{d.Format, d.References, d.Text} }

// entity is a schema in an answer.
type entity struct {
	Subject    string      `json:"subject"`
	Version    int32       `json:"version"`
	ID         int32       `json:"id"`
	GUID       string      `json:"guid"`
	Format     Format      `json:"schemaType"`
	References []Reference `json:"references"`
	Metadata   *struct {
		Properties map[string]string `json:"properties"`
	} `json:"metadata"`
	RuleSet *struct {
		Domain   []Rule `json:"domainRules"`
		Encoding []Rule `json:"encodingRules"`
	} `json:"ruleSet"`
	Text string `json:"schema"`
}

func (e entity) document() Document {
	d := Document{Format: e.Format, Text: e.Text, References: e.References}
	if d.Format == "" {
		d.Format = Avro
	}
	if e.Metadata != nil {
		d.Metadata = e.Metadata.Properties
	}
	if e.RuleSet != nil {
		d.Rules = append(append(d.Rules, e.RuleSet.Domain...), e.RuleSet.Encoding...)
	}
	return d
}

func (e entity) registered(subject string) Registered {
	r := Registered{Document: e.document(), ID: e.ID, GUID: e.GUID, Subject: subject, Version: e.Version}
	if r.GUID == "" {
		r.GUID = guid(r.Document)
	}
	return r
}

func subjectPath(subject string) string { return "/subjects/" + url.PathEscape(subject) }

// Register implements Client.
func (h *HTTP) Register(ctx context.Context, subject string, d Document, normalize bool) (Registered, error) {
	if normalize {
		ctx = sr.WithParams(ctx, sr.Normalize)
	}
	var e entity
	if err := h.do(ctx, http.MethodPost, subjectPath(subject)+"/versions", sending(d), &e); err != nil {
		return Registered{}, err
	}
	r := e.registered(subject)
	if e.Text == "" {
		r.Document = d
		if e.GUID == "" {
			r.GUID = guid(d)
		}
	}
	return r, nil
}

// Lookup implements Client.
func (h *HTTP) Lookup(ctx context.Context, subject string, d Document, normalize, deleted bool) (Registered, error) {
	var p []sr.Param
	if normalize {
		p = append(p, sr.Normalize)
	}
	if deleted {
		p = append(p, sr.ShowDeleted)
	}
	var e entity
	if err := h.do(sr.WithParams(ctx, p...), http.MethodPost, subjectPath(subject), sending(d), &e); err != nil {
		return Registered{}, err
	}
	r := e.registered(subject)
	r.Document = d // as Java's serializer writes with its own
	return r, nil
}

// ByID implements Client.
func (h *HTTP) ByID(ctx context.Context, subject string, id int32) (Document, error) {
	if subject != "" {
		ctx = sr.WithParams(ctx, sr.Subject(subject))
	}
	var e entity
	err := h.do(ctx, http.MethodGet, fmt.Sprintf("/schemas/ids/%d", id), nil, &e)
	return e.document(), err
}

// ByGUID implements Client.
func (h *HTTP) ByGUID(ctx context.Context, guid string) (Document, error) {
	var e entity
	err := h.do(ctx, http.MethodGet, "/schemas/guids/"+url.PathEscape(guid), nil, &e)
	return e.document(), err
}

// Latest implements Client.
func (h *HTTP) Latest(ctx context.Context, subject string) (Registered, error) {
	var e entity
	err := h.do(ctx, http.MethodGet, subjectPath(subject)+"/versions/latest", nil, &e)
	return e.registered(subject), err
}

// LatestWithMetadata implements Client.
func (h *HTTP) LatestWithMetadata(ctx context.Context, subject string, metadata map[string]string) (Registered, error) {
	q := url.Values{"deleted": {"true"}}
	for name, value := range metadata {
		q.Add("key", name)
		q.Add("value", value)
	}
	var e entity
	err := h.do(sr.WithParams(ctx, sr.RawParams(q)), http.MethodGet, subjectPath(subject)+"/metadata", nil, &e)
	return e.registered(subject), err
}

// ByVersion implements Client.
func (h *HTTP) ByVersion(ctx context.Context, subject string, version int32) (Registered, error) {
	var e entity
	err := h.do(sr.WithParams(ctx, sr.ShowDeleted), http.MethodGet, fmt.Sprintf("%s/versions/%d", subjectPath(subject), version), nil, &e)
	return e.registered(subject), err
}

// Subjects lists the subjects that are not deleted.
func (h *HTTP) Subjects(ctx context.Context) (subjects []string, err error) {
	err = h.do(ctx, http.MethodGet, "/subjects", nil, &subjects)
	return subjects, err
}

// Versions lists the versions under a subject that are not deleted.
func (h *HTTP) Versions(ctx context.Context, subject string) (versions []int32, err error) {
	err = h.do(ctx, http.MethodGet, subjectPath(subject)+"/versions", nil, &versions)
	return versions, err
}

// Compatible asks whether the document may be registered under the subject, and why not.
func (h *HTTP) Compatible(ctx context.Context, subject string, d Document) (ok bool, reasons []string, err error) {
	var answer struct {
		Compatible bool     `json:"is_compatible"`
		Messages   []string `json:"messages"`
	}
	err = h.do(sr.WithParams(ctx, sr.Verbose), http.MethodPost, "/compatibility"+subjectPath(subject)+"/versions", sending(d), &answer)
	return answer.Compatible, answer.Messages, err
}

// guid is the GUID that registries give a document (Schema.getGuid).
func guid(d Document) string {
	h := md5.New() // #nosec G401 -- not for security
	write := func(s string) {
		// A hash's Write never fails.
		_, _ = io.WriteString(h, s)
	}
	write(d.Text)
	for _, r := range d.References {
		write(r.Name)
		write(r.Subject)
		var v [4]byte
		binary.BigEndian.PutUint32(v[:], uint32(r.Version))
		write(string(v[:]))
	}
	g := hex.EncodeToString(h.Sum(nil))
	return g[:8] + "-" + g[8:12] + "-" + g[12:16] + "-" + g[16:20] + "-" + g[20:]
}

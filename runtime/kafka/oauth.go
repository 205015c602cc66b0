package kafka

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

const (
	classJWTRetriever  = "org.apache.kafka.common.security.oauthbearer.JwtRetrieverException"
	classJWTValidation = "org.apache.kafka.common.security.oauthbearer.JwtValidatorException"
	unsecuredLogin     = "unsecuredLogin"
)

// TokenRequest is a request to the token endpoint of an identity provider.
type TokenRequest struct {
	URL     string
	Headers map[string]string
	Body    string
	// ConnectTimeout and ReadTimeout are 0 for none.
	ConnectTimeout, ReadTimeout time.Duration
}

// tokenSource fetches tokens and keeps one until it must be refreshed. It is safe for
// concurrent use.
type tokenSource struct {
	fetch      func(context.Context) (string, error)
	extensions map[string]string
	// window is the part of a token's life after which it is refreshed, buffer the time
	// before its end, minimum the least time between two fetches.
	window          float64
	buffer, minimum time.Duration

	mu      sync.Mutex
	token   string
	refresh time.Time
}

// newOAuth makes the OAUTHBEARER mechanism (KIP-255, KIP-768, KIP-1139). Tokens come from
// an identity provider by client credentials, from a file, or, for tests, are made here
// without a signature.
func newOAuth(c *cd.Config, module loginModule, env Env) (sasl.Mechanism, error) {
	s := &tokenSource{
		extensions: map[string]string{}, window: c.Double("sasl.login.refresh.window.factor"),
		buffer:  time.Duration(c.Short("sasl.login.refresh.buffer.seconds")) * time.Second,
		minimum: time.Duration(c.Short("sasl.login.refresh.min.period.seconds")) * time.Second,
	}
	handler := c.Class("sasl.login.callback.handler.class")
	prefix := "extension_"
	var err error
	switch shortClass(handler) {
	case "", "OAuthBearerUnsecuredLoginCallbackHandler":
		if _, ok := c.StringOK("sasl.oauthbearer.token.endpoint.url"); ok && handler == "" {
			// Java makes an unsigned token here and fails to; the endpoint says what is meant.
			s.fetch, err = newRetriever(c, module, env)
		} else {
			prefix = unsecuredLogin + "Extension_"
			s.fetch, err = unsecured(module.options)
		}
	case "OAuthBearerLoginCallbackHandler":
		s.fetch, err = newRetriever(c, module, env)
	default:
		err = errs.InvalidValue("sasl.login.callback.handler.class", handler, "Java classes cannot be loaded; must be org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler")
	}
	if err != nil {
		return nil, err
	}
	for k, v := range module.options {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			if err := checkExtension(name, v); err != nil {
				return nil, err
			}
			s.extensions[name] = v
		}
	}
	return oauth.Oauth(s.auth), nil
}

var (
	extensionName  = regexp.MustCompile(`^[A-Za-z]+$`)
	extensionValue = regexp.MustCompile(`^[\x21-\x7E \t\r\n]+$`)
)

func checkExtension(name, value string) error {
	switch {
	case name == "auth":
		return errs.Config("Extension name auth is invalid")
	case !extensionName.MatchString(name):
		return errs.Config("Extension name %s is invalid", name)
	case !extensionValue.MatchString(value):
		return errs.Config("Extension value for extension %s is invalid", name)
	}
	return nil
}

// auth returns a token for one login.
func (s *tokenSource) auth(ctx context.Context) (oauth.Auth, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.token == "" || !now.Before(s.refresh) {
		token, err := s.fetch(ctx)
		if err != nil {
			return oauth.Auth{}, err
		}
		end, err := tokenEnd(token)
		if err != nil {
			return oauth.Auth{}, err
		}
		s.token = token
		life := end.Sub(now)
		s.refresh = now.Add(time.Duration(float64(life) * s.window))
		if latest := end.Add(-s.buffer); latest.Before(s.refresh) {
			s.refresh = latest
		}
		if earliest := now.Add(min(s.minimum, life/2)); s.refresh.Before(earliest) {
			s.refresh = earliest
		}
	}
	return oauth.Auth{Token: s.token, Extensions: s.extensions}, nil
}

// tokenEnd reads when a token expires. Its signature is the broker's business.
func tokenEnd(token string) (time.Time, error) {
	bad := func(why string) (time.Time, error) {
		return time.Time{}, errs.New(classJWTValidation, "Could not validate the access token: %s", why)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return bad("Malformed JWT provided; expected three sections (header, payload, and signature), but " + strconv.Itoa(len(parts)) + " sections provided")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return bad("the payload is not base64url")
	}
	var claims struct {
		Exp *json.Number `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return bad("the payload is not JSON")
	}
	if claims.Exp == nil {
		return bad("exp value must be non-null")
	}
	exp, err := claims.Exp.Float64()
	if err != nil {
		return bad("exp value must be a number")
	}
	return time.UnixMilli(int64(exp * 1000)), nil
}

// newRetriever makes what sasl.oauthbearer.jwt.retriever.class stands for.
func newRetriever(c *cd.Config, module loginModule, env Env) (func(context.Context) (string, error), error) {
	const key = "sasl.oauthbearer.token.endpoint.url"
	endpoint, ok := c.StringOK(key)
	if !ok || endpoint == "" {
		return nil, errs.InvalidValue(key, nil, fmt.Sprintf("The OAuth configuration option %s value must be non-null", key))
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, errs.InvalidValue(key, endpoint, fmt.Sprintf("The OAuth configuration option %s contains a URL (%s) that is malformed", key, endpoint))
	}
	switch strings.ToLower(u.Scheme) {
	case "file":
		return func(context.Context) (string, error) {
			b, err := os.ReadFile(u.Path)
			if err != nil {
				return "", errs.Wrap(classJWTRetriever, err, "Cannot read the token file of %s", key)
			}
			return strings.TrimSpace(string(b)), nil
		}, nil
	case "http", "https":
	default:
		return nil, errs.InvalidValue(key, endpoint, fmt.Sprintf("The OAuth configuration option %s contains a URL (%s) that contains an invalid protocol (%s); only \"http\", \"https\", and \"file\" protocol are supported", key, endpoint, u.Scheme))
	}
	switch class := c.Class("sasl.oauthbearer.jwt.retriever.class"); shortClass(class) {
	case "DefaultJwtRetriever", "ClientCredentialsJwtRetriever":
	default:
		return nil, errs.InvalidValue("sasl.oauthbearer.jwt.retriever.class", class, "must be org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever or ClientCredentialsJwtRetriever")
	}
	if env.Post == nil {
		return nil, errs.InvalidValue(key, endpoint, "tokens can be read from files only here")
	}
	req, err := clientCredentials(c, module.options, endpoint)
	if err != nil {
		return nil, err
	}
	first := time.Duration(c.Long("sasl.login.retry.backoff.ms")) * time.Millisecond
	most := time.Duration(c.Long("sasl.login.retry.backoff.max.ms")) * time.Millisecond
	return func(ctx context.Context) (string, error) { return retrieve(ctx, env, req, first, most) }, nil
}

// clientCredentials makes the request of RFC 6749, section 4.4.
func clientCredentials(c *cd.Config, options map[string]string, endpoint string) (TokenRequest, error) {
	value := func(key, option string) string {
		if k, ok := c.Def().Key(key); ok && k.Type == cd.Password {
			if s := secret(c, key); s != nil {
				return s.Value()
			}
		} else if s, ok := c.StringOK(key); ok {
			return s
		}
		return options[option]
	}
	id := strings.TrimSpace(value("sasl.oauthbearer.client.credentials.client.id", "clientId"))
	password := strings.TrimSpace(value("sasl.oauthbearer.client.credentials.client.secret", "clientSecret"))
	scope := strings.TrimSpace(value("sasl.oauthbearer.scope", "scope"))
	if id == "" {
		return TokenRequest{}, errs.InvalidValue("sasl.oauthbearer.client.credentials.client.id", nil, "")
	}
	if password == "" {
		return TokenRequest{}, errs.InvalidValue("sasl.oauthbearer.client.credentials.client.secret", nil, "")
	}
	if c.Bool("sasl.oauthbearer.header.urlencode") {
		id, password, scope = url.QueryEscape(id), url.QueryEscape(password), url.QueryEscape(scope)
	}
	body := "grant_type=client_credentials"
	if scope != "" {
		body += "&scope=" + scope
	}
	return TokenRequest{
		URL: endpoint,
		Headers: map[string]string{
			"Accept": "application/json", "Cache-Control": "no-cache", "Content-Type": "application/x-www-form-urlencoded",
			"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password)),
		},
		Body:           body,
		ConnectTimeout: optionalMillis(c, "sasl.login.connect.timeout.ms"),
		ReadTimeout:    optionalMillis(c, "sasl.login.read.timeout.ms"),
	}, nil
}

func optionalMillis(c *cd.Config, key string) time.Duration {
	if c.IsNull(key) {
		return 0
	}
	return time.Duration(c.Int(key)) * time.Millisecond
}

// permanent are the answers that asking again does not change.
var permanent = []int{400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 501, 505}

// retrieve asks for a token, for as long as the longest pause between tries lasts.
func retrieve(ctx context.Context, env Env, req TokenRequest, first, most time.Duration) (string, error) {
	deadline := time.Now().Add(most)
	for pause := first; ; pause *= 2 {
		status, body, err := env.Post(ctx, req)
		switch {
		case err != nil:
			err = errs.Wrap(classJWTRetriever, err, "Cannot reach the token endpoint %s", req.URL)
		case status == 200 || status == 201:
			return tokenFromAnswer(req.URL, status, body)
		case slices.Contains(permanent, status):
			return "", errs.New(classJWTRetriever, "The response code %d and error response %s was encountered reading the token endpoint response; will not attempt further retries", status, errorAnswer(body))
		default:
			err = errs.New(classJWTRetriever, "The unexpected response code %d and error message %s was encountered reading the token endpoint response", status, errorAnswer(body))
		}
		pause = max(pause, time.Millisecond)
		if time.Now().Add(pause).After(deadline) || !sleep(ctx, pause) {
			return "", err
		}
	}
}

func tokenFromAnswer(endpoint string, status int, body []byte) (string, error) {
	if len(body) == 0 {
		return "", errs.New(classJWTRetriever, "The token endpoint response was unexpectedly empty despite response code %d from %s and error message {}", status, endpoint)
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", errs.New(classJWTRetriever, "The token endpoint response is not a JSON object")
	}
	for _, name := range []string{"access_token", "id_token"} {
		var token string
		if json.Unmarshal(answer[name], &token) == nil && strings.TrimSpace(token) != "" {
			return strings.TrimSpace(token), nil
		}
	}
	return "", errs.New(classJWTRetriever, "The token endpoint response did not contain a valid JWT. Response: (%d bytes)", len(body))
}

// errorAnswer is the error and its description of RFC 6749, section 5.2.
func errorAnswer(body []byte) string {
	var e struct {
		Error            json.RawMessage `json:"error"`
		ErrorDescription json.RawMessage `json:"error_description"`
	}
	if json.Unmarshal(body, &e) == nil && e.Error != nil {
		return fmt.Sprintf("{%s - %s}", e.Error, e.ErrorDescription)
	}
	return "{" + strings.TrimSpace(clip(string(body))) + "}"
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// unsecured makes tokens without a signature, from the login module's options
// (OAuthBearerUnsecuredLoginCallbackHandler).
func unsecured(options map[string]string) (func(context.Context) (string, error), error) {
	lifetime := int64(3600)
	principal := "sub"
	claims := map[string]string{}
	for k, v := range options {
		rest, ok := strings.CutPrefix(k, unsecuredLogin)
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(rest, "_")
		text := ""
		switch kind {
		case "LifetimeSeconds":
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return nil, errs.Config("For input string: \"%s\"", v)
			}
			lifetime = n
		case "PrincipalClaimName":
			if p := strings.TrimSpace(v); p != "" {
				principal = p
			}
		case "StringClaim":
			text = jsonString(v)
		case "NumberClaim":
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return nil, errs.Config("For input string: \"%s\"", v)
			}
			text = schema.Float64Text(f)
		case "ListClaim":
			text = listClaim(v)
		}
		if text == "" || name == "" {
			continue
		}
		if name == "iat" || name == "exp" {
			return nil, errs.Config("Cannot explicitly set the '%s' claim", name)
		}
		claims[name] = text
	}
	if len(claims) == 0 {
		return nil, errs.IllegalArgument("No OAuth Bearer tokens in Subject's private credentials").
			WithHint("set sasl.oauthbearer.token.endpoint.url and sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler, or, for tests, unsecuredLoginStringClaim_sub in sasl.jaas.config")
	}
	if v, ok := claims[principal]; !ok || v == `""` {
		return nil, errs.Config("No principal name in JWT claim: %s", principal)
	}
	return func(context.Context) (string, error) {
		now := float64(time.Now().UnixMilli()) / 1000
		body := `{"exp":` + schema.Float64Text(now+float64(lifetime)) + `,"iat":` + schema.Float64Text(now)
		for name, text := range claims {
			body += "," + jsonString(name) + ":" + text
		}
		enc := base64.RawURLEncoding.EncodeToString
		return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(body+"}")) + ".", nil
	}, nil
}

func jsonString(s string) string {
	b, _ := json.Marshal(s) // a string always can
	return string(b)
}

// listClaim reads a list whose first character is its separator.
func listClaim(v string) string {
	if v == "" {
		return "[]"
	}
	first := []rune(v)[0]
	parts := []string{v}
	if !regexp.MustCompile(`[\w]`).MatchString(string(first)) {
		parts = strings.Split(strings.TrimPrefix(v, string(first)), string(first))
	}
	for i, p := range parts {
		parts[i] = jsonString(p)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

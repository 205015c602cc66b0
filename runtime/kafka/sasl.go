package kafka

import (
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// Login modules of sasl.jaas.config, and the mechanisms each is for.
const (
	plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
	oauthModule = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
)

var mechanismModules = map[string]string{
	"PLAIN": plainModule, "SCRAM-SHA-256": scramModule, "SCRAM-SHA-512": scramModule, "OAUTHBEARER": oauthModule,
}

const supportedMechanisms = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER"

// newSASL makes the way to log in of the sasl.* settings.
func newSASL(c *cd.Config, env Env) (sasl.Mechanism, error) {
	name, _ := c.StringOK("sasl.mechanism")
	if name == "" {
		return nil, errs.InvalidValue("sasl.mechanism", nil, "When the security.protocol configuration enables SASL, mechanism must be non-null and non-empty string.")
	}
	want, ok := mechanismModules[name]
	if !ok {
		return nil, errs.InvalidValue("sasl.mechanism", name, "Unsupported SASL mechanism; must be one of: "+supportedMechanisms)
	}
	for _, key := range []string{"sasl.client.callback.handler.class", "sasl.login.class"} {
		if class := c.Class(key); class != "" {
			return nil, errs.InvalidValue(key, class, "Java classes cannot be loaded; remove the setting")
		}
	}
	if c.IsNull("sasl.jaas.config") {
		return nil, errs.IllegalArgument("Could not find a 'KafkaClient' entry in the JAAS configuration. System property 'java.security.auth.login.config' is not set").
			WithHint("set sasl.jaas.config, such as %s required …;", want)
	}
	module, err := parseJAAS(c.Password("sasl.jaas.config").Value())
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(shortClass(module.class), shortClass(want)) {
		return nil, errs.IllegalArgument("The login module %s in sasl.jaas.config does not fit sasl.mechanism=%s, which needs %s", module.class, name, want)
	}
	if name == "OAUTHBEARER" {
		return newOAuth(c, module, env)
	}
	if class := c.Class("sasl.login.callback.handler.class"); class != "" {
		return nil, errs.InvalidValue("sasl.login.callback.handler.class", class, "Java classes cannot be loaded; remove the setting")
	}
	user, hasUser := module.options["username"]
	password, hasPassword := module.options["password"]
	if !hasUser || !hasPassword {
		return nil, errs.IllegalArgument("The options username and password must be given to %s in sasl.jaas.config", module.class)
	}
	switch name {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password, IsToken: module.options["tokenauth"] == "true"}.AsSha256Mechanism(), nil
	}
	return scram.Auth{User: user, Pass: password, IsToken: module.options["tokenauth"] == "true"}.AsSha512Mechanism(), nil
}

// shortClass is a class's name without its package: vendors ship copies of the modules
// under other packages.
func shortClass(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

package kafka

import (
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
)

// AdminSettings is what the settings of an admin client come to.
type AdminSettings struct {
	Client
	// APITimeout is default.api.timeout.ms.
	APITimeout time.Duration
}

// NewAdminSettings reads the settings of an admin client, in Java's keys and with Java's
// defaults and checks (AdminClientConfig). It connects to nothing.
func NewAdminSettings(props map[string]string, env Env) (*AdminSettings, error) {
	c, err := parse(settings.AdminDef(), props, nil)
	if err != nil {
		return nil, err
	}
	if l := c.List("bootstrap.controllers"); len(l) > 0 {
		return nil, errs.InvalidValue("bootstrap.controllers", l[0], "controllers cannot be used; set bootstrap.servers")
	}
	cl, err := commonClient(c, props, env)
	if err != nil {
		return nil, constructing("admin", err)
	}
	a := &AdminSettings{Client: *cl, APITimeout: millis(int64(c.Int("default.api.timeout.ms")))}
	if a.APITimeout < a.RequestTimeout {
		_, api := props["default.api.timeout.ms"]
		if api {
			return nil, constructing("admin", errs.Config("The specified value of default.api.timeout.ms must be no smaller than the value of request.timeout.ms."))
		}
		a.APITimeout = a.RequestTimeout
	}
	return a, nil
}

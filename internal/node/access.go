package node

import (
	"errors"
	"fmt"
	"os"

	"github.com/moldau-io/moldau/api/access"
)

// basicAuthExtension is the one REST extension of Apache Connect.
const basicAuthExtension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"

// access reads who may use the REST API; nil is everybody.
func (n *node) access() (*access.Control, error) {
	own := n.settings.Own
	c := &access.Control{}
	for _, class := range n.settings.REST.Extensions {
		if class != basicAuthExtension && class != "BasicAuthSecurityRestExtension" {
			return nil, fmt.Errorf("rest.extension.classes=%s is not known; there is %s", class, basicAuthExtension)
		}
		users, err := n.jaas()
		if err != nil {
			return nil, err
		}
		c.Users = append(c.Users, users)
	}
	if own.HtpasswdFile != "" {
		users, err := access.LoadHtpasswd(own.HtpasswdFile)
		if err != nil {
			return nil, err
		}
		c.Users, c.Challenge, c.Admin = append(c.Users, users), true, true
	}
	if len(c.Users) == 0 {
		if own.RolesFile != "" {
			return nil, errors.New("moldau.rest.roles.file needs users: set moldau.rest.htpasswd.file or rest.extension.classes")
		}
		return nil, nil
	}
	if own.RolesFile != "" {
		roles, err := access.LoadRoles(own.RolesFile)
		if err != nil {
			return nil, err
		}
		c.Roles, c.Admin = roles, true
	}
	if k := n.settings.Cluster; k != nil && k.Protocol != "sessioned" {
		n.log.Warn("the REST API asks for users, but requests between workers are not signed and need none; connect.protocol=sessioned signs them",
			"connect.protocol", k.Protocol)
	}
	return c, nil
}

func (n *node) jaas() (*access.JAAS, error) {
	file := n.settings.Own.JAASFile
	if file == "" {
		file = access.JAASFile(os.Getenv("KAFKA_OPTS"))
	}
	if file == "" {
		return nil, errors.New("BasicAuthSecurityRestExtension needs a JAAS login configuration: set moldau.rest.jaas.file, " +
			"or KAFKA_OPTS=-Djava.security.auth.login.config=file in the environment")
	}
	return access.LoadJAAS(file)
}

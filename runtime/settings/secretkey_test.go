package settings

import "testing"

func TestLooksSecret(t *testing.T) {
	for key, want := range map[string]bool{
		"connection.password": true, "ssl.keystore.password": true, "ssl.key.password": true, "consumer.override.sasl.jaas.config": true,
		"connection.api.key": true, "connection.bearer.token": true, "AWS.Secret.Access.Key": true, "basic.auth.user.info": true, "ssl.keystore.key": true,
		"value.converter.schema.registry.basic.auth.user.info": true,
		"name": false, "connector.class": false, "topics": false, "key.converter": false, "key.ignore": false, "ssl.keystore.type": false,
		"ssl.keystore.location": false, "sasl.oauthbearer.token.endpoint.url": false, "message.key": false,
	} {
		if got := LooksSecret(key); got != want {
			t.Errorf("LooksSecret(%q) = %v", key, got)
		}
	}
	// No setting of a worker that is not typed as a password looks like one but these.
	typed := map[string]bool{"ssl.keystore.key": true, "ssl.truststore.certificates": true, "ssl.keystore.certificate.chain": true}
	for _, k := range DistributedDef().Keys() {
		if k.Type.String() == "PASSWORD" && !typed[k.Name] && !LooksSecret(k.Name) {
			t.Errorf("%s is a password and does not look like one", k.Name)
		}
	}
}

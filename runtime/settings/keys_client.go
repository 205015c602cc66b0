package settings

import (
	cd "github.com/moldau-io/moldau/connect/configdef"
)

// ClientSecurityKeys are the settings of Kafka's clients that say how to connect:
// protocol, TLS and SASL. runtime/kafka defines the clients' other settings.
func ClientSecurityKeys() []cd.Key {
	keys := []cd.Key{
		cd.Optional("security.protocol", cd.String, "PLAINTEXT", cd.Medium, "How to talk to brokers.").WithValidator(securityProtocol()),
		cd.Optional("security.providers", cd.String, nil, cd.Low, "Security providers of a JVM. It has no effect here."),
	}
	return append(append(keys, sslKeys()...), saslKeys()...)
}

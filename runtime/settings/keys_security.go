package settings

import (
	cd "github.com/moldau-io/moldau/connect/configdef"
)

// sslKeys are the TLS settings of Kafka's clients and of the REST server
// (SslConfigs.addClientSslSupport).
func sslKeys() []cd.Key {
	return []cd.Key{
		cd.Optional("ssl.protocol", cd.String, "TLSv1.3", cd.Medium, "The highest TLS version that is offered."),
		cd.Optional("ssl.provider", cd.String, nil, cd.Medium, "The security provider of a JVM. It has no effect here."),
		cd.Optional("ssl.cipher.suites", cd.List, nil, cd.Low, "The cipher suites that may be used; all that are safe, if not set. TLS 1.3 chooses its own."),
		cd.Optional("ssl.enabled.protocols", cd.List, "TLSv1.2,TLSv1.3", cd.Medium, "The TLS versions that may be used."),
		cd.Optional("ssl.keystore.type", cd.String, "JKS", cd.Medium, "The format of the key store: JKS, PKCS12 or PEM."),
		cd.Optional("ssl.keystore.location", cd.String, nil, cd.High, "The file with the private key and the certificates to identify ourselves with."),
		cd.Optional("ssl.keystore.password", cd.Password, nil, cd.High, "The password of the key store file."),
		cd.Optional("ssl.key.password", cd.Password, nil, cd.High, "The password of the private key within the key store, or of ssl.keystore.key."),
		cd.Optional("ssl.keystore.key", cd.Password, nil, cd.High, "The private key itself, in PEM (PKCS#8)."),
		cd.Optional("ssl.keystore.certificate.chain", cd.Password, nil, cd.High, "The certificates that go with ssl.keystore.key, in PEM."),
		cd.Optional("ssl.truststore.certificates", cd.Password, nil, cd.High, "The certificates that are trusted, in PEM."),
		cd.Optional("ssl.truststore.type", cd.String, "JKS", cd.Medium, "The format of the trust store: JKS, PKCS12 or PEM."),
		cd.Optional("ssl.truststore.location", cd.String, nil, cd.High, "The file with the certificates that are trusted; those of the system, if not set."),
		cd.Optional("ssl.truststore.password", cd.Password, nil, cd.High, "The password of the trust store file. Without it the file's integrity is not checked."),
		cd.Optional("ssl.keymanager.algorithm", cd.String, "SunX509", cd.Low, "The key manager of a JVM. It has no effect here."),
		cd.Optional("ssl.trustmanager.algorithm", cd.String, "PKIX", cd.Low, "The trust manager of a JVM. It has no effect here."),
		cd.Optional("ssl.endpoint.identification.algorithm", cd.String, "https", cd.Low, "How a server's name is checked against its certificate: https, or empty for not at all."),
		cd.Optional("ssl.secure.random.implementation", cd.String, nil, cd.Low, "The random numbers of a JVM. It has no effect here."),
		cd.Optional("ssl.engine.factory.class", cd.Class, nil, cd.Low, "A Java class that makes TLS engines. It has no effect here."),
	}
}

// saslKeys are the SASL settings of Kafka's clients (SaslConfigs.addClientSaslSupport).
func saslKeys() []cd.Key {
	return append([]cd.Key{
		cd.Optional("sasl.kerberos.service.name", cd.String, nil, cd.Medium, "The Kerberos principal name that Kafka runs as."),
		cd.Optional("sasl.kerberos.kinit.cmd", cd.String, "/usr/bin/kinit", cd.Low, "The path of kinit."),
		cd.Optional("sasl.kerberos.ticket.renew.window.factor", cd.Double, 0.8, cd.Low, "The part of a ticket's life after which it is renewed."),
		cd.Optional("sasl.kerberos.ticket.renew.jitter", cd.Double, 0.05, cd.Low, "The part of the renewal time that is random."),
		cd.Optional("sasl.kerberos.min.time.before.relogin", cd.Long, 60000, cd.Low, "The least time between two logins, in milliseconds."),
		cd.Optional("sasl.login.refresh.window.factor", cd.Double, 0.8, cd.Low, "The part of a credential's life after which it is refreshed.").WithValidator(cd.Between(0.5, 1.0)),
		cd.Optional("sasl.login.refresh.window.jitter", cd.Double, 0.05, cd.Low, "The part of the refresh time that is random.").WithValidator(cd.Between(0.0, 0.25)),
		cd.Optional("sasl.login.refresh.min.period.seconds", cd.Short, 60, cd.Low, "The least time between two refreshes, in seconds.").WithValidator(cd.Between(0, 900)),
		cd.Optional("sasl.login.refresh.buffer.seconds", cd.Short, 300, cd.Low, "The time to keep between a refresh and the end of the credential, in seconds.").WithValidator(cd.Between(0, 3600)),
		cd.Optional("sasl.mechanism", cd.String, "GSSAPI", cd.Medium, "How to authenticate: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI."),
		cd.Optional("sasl.jaas.config", cd.Password, nil, cd.Medium, "The login module and its options, in the form of a JAAS file: <class> (required|optional|…) (<option>=<value>)*;"),
		cd.Optional("sasl.client.callback.handler.class", cd.Class, nil, cd.Medium, "A Java class that answers SASL callbacks. It has no effect here."),
		cd.Optional("sasl.login.callback.handler.class", cd.Class, nil, cd.Medium, "A Java class that answers login callbacks. It has no effect here."),
		cd.Optional("sasl.login.class", cd.Class, nil, cd.Medium, "A Java class that logs in. It has no effect here."),
		cd.Optional("sasl.login.connect.timeout.ms", cd.Int, nil, cd.Low, "How long to wait for a connection to the identity provider, in milliseconds."),
		cd.Optional("sasl.login.read.timeout.ms", cd.Int, nil, cd.Low, "How long to wait for the identity provider's answer, in milliseconds."),
		cd.Optional("sasl.login.retry.backoff.max.ms", cd.Long, 10000, cd.Low, "The longest wait between two tries to log in, in milliseconds."),
		cd.Optional("sasl.login.retry.backoff.ms", cd.Long, 100, cd.Low, "The first wait between two tries to log in, in milliseconds."),
	}, oauthKeys()...)
}

// oauthKeys are the settings of SASL OAUTHBEARER (KIP-768, KIP-1139).
func oauthKeys() []cd.Key {
	return []cd.Key{
		cd.Optional("sasl.oauthbearer.jwt.retriever.class", cd.Class, "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", cd.Medium, "How a token is fetched."),
		cd.Optional("sasl.oauthbearer.jwt.validator.class", cd.Class, "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", cd.Medium, "How a token is checked."),
		cd.Optional("sasl.oauthbearer.scope", cd.String, nil, cd.Medium, "The scope to ask the identity provider for."),
		cd.Optional("sasl.oauthbearer.client.credentials.client.id", cd.String, nil, cd.Medium, "The client id to ask for a token with."),
		cd.Optional("sasl.oauthbearer.client.credentials.client.secret", cd.Password, nil, cd.Medium, "The client secret to ask for a token with."),
		cd.Optional("sasl.oauthbearer.assertion.algorithm", cd.String, "RS256", cd.Medium, "The algorithm that signs the assertion.").WithValidator(cd.CaseInsensitiveValidString("ES256", "RS256")),
		cd.Optional("sasl.oauthbearer.assertion.claim.aud", cd.String, nil, cd.Medium, "The audience in the assertion."),
		cd.Optional("sasl.oauthbearer.assertion.claim.exp.seconds", cd.Int, 300, cd.Low, "How long the assertion is good for, in seconds.").WithValidator(cd.Between(0, 86400)),
		cd.Optional("sasl.oauthbearer.assertion.claim.iss", cd.String, nil, cd.Medium, "The issuer in the assertion."),
		cd.Optional("sasl.oauthbearer.assertion.claim.jti.include", cd.Boolean, false, cd.Medium, "Whether the assertion has an id of its own."),
		cd.Optional("sasl.oauthbearer.assertion.claim.nbf.seconds", cd.Int, 60, cd.Low, "How long before now the assertion begins, in seconds.").WithValidator(cd.Between(0, 3600)),
		cd.Optional("sasl.oauthbearer.assertion.claim.sub", cd.String, nil, cd.Medium, "The subject in the assertion."),
		cd.Optional("sasl.oauthbearer.assertion.file", cd.String, nil, cd.Medium, "A file with a finished assertion."),
		cd.Optional("sasl.oauthbearer.assertion.private.key.file", cd.String, nil, cd.Medium, "The file with the key that signs the assertion, in PEM."),
		cd.Optional("sasl.oauthbearer.assertion.private.key.passphrase", cd.Password, nil, cd.Medium, "The passphrase of that key."),
		cd.Optional("sasl.oauthbearer.assertion.template.file", cd.String, nil, cd.Medium, "A JSON file with further headers and claims of the assertion."),
		cd.Optional("sasl.oauthbearer.scope.claim.name", cd.String, "scope", cd.Low, "The claim that holds the scope."),
		cd.Optional("sasl.oauthbearer.sub.claim.name", cd.String, "sub", cd.Low, "The claim that holds the subject."),
		cd.Optional("sasl.oauthbearer.token.endpoint.url", cd.String, nil, cd.Medium, "Where tokens are to be had."),
		cd.Optional("sasl.oauthbearer.jwks.endpoint.url", cd.String, nil, cd.Medium, "Where the identity provider's keys are to be had."),
		cd.Optional("sasl.oauthbearer.jwks.endpoint.refresh.ms", cd.Long, 3600000, cd.Low, "How often those keys are fetched again, in milliseconds."),
		cd.Optional("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", cd.Long, 10000, cd.Low, "The longest wait between two tries to fetch them, in milliseconds."),
		cd.Optional("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", cd.Long, 100, cd.Low, "The first wait between two tries to fetch them, in milliseconds."),
		cd.Optional("sasl.oauthbearer.clock.skew.seconds", cd.Int, 30, cd.Low, "By how much clocks may differ, in seconds."),
		cd.Optional("sasl.oauthbearer.expected.audience", cd.List, nil, cd.Low, "The audiences of which a token must name one."),
		cd.Optional("sasl.oauthbearer.expected.issuer", cd.String, nil, cd.Low, "The issuer a token must have."),
		cd.Optional("sasl.oauthbearer.header.urlencode", cd.Boolean, false, cd.Low, "Whether client id and secret are URL-encoded in the request for a token."),
	}
}

func securityProtocol() cd.Validator {
	return cd.CaseInsensitiveValidString("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
}

func recoveryStrategy() cd.Validator { return cd.CaseInsensitiveValidString("NONE", "REBOOTSTRAP") }

func dnsLookup() cd.Validator {
	return cd.ValidString("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only")
}

package kafkassl

import "github.com/moldau-io/moldau/connect/configdef"

// ClientDef describes Kafka's TLS settings of a client (SslConfigs.addClientSslSupport).
func ClientDef() *configdef.Def {
	const jvm = " It is a matter of the JVM and has no effect here."
	key := configdef.Optional
	return configdef.New(
		key("ssl.protocol", configdef.String, "TLSv1.3", configdef.Medium, "Highest TLS version to use: TLSv1.2 or TLSv1.3."),
		key("ssl.provider", configdef.String, nil, configdef.Medium, "Security provider."+jvm),
		key("ssl.cipher.suites", configdef.List, nil, configdef.Low, "Cipher suites for TLS up to 1.2; null for all that are safe."),
		key("ssl.enabled.protocols", configdef.List, "TLSv1.2,TLSv1.3", configdef.Medium, "TLS versions that may be used."),
		key("ssl.keystore.type", configdef.String, "JKS", configdef.Medium, "Format of the key store: JKS, PKCS12 or PEM."),
		key("ssl.keystore.location", configdef.String, nil, configdef.High, "File with the client's private key and certificates, for servers that ask for them."),
		key("ssl.keystore.password", configdef.Password, nil, configdef.High, "Password of the key store. PEM has none."),
		key("ssl.key.password", configdef.Password, nil, configdef.High, "Password of the private key, in the key store or in ssl.keystore.key."),
		key("ssl.keystore.key", configdef.Password, nil, configdef.High, "Private key in PEM (PKCS#8), in place of a key store."),
		key("ssl.keystore.certificate.chain", configdef.Password, nil, configdef.High, "Certificates of ssl.keystore.key in PEM."),
		key("ssl.truststore.certificates", configdef.Password, nil, configdef.High, "Trusted certificates in PEM, in place of a trust store."),
		key("ssl.truststore.type", configdef.String, "JKS", configdef.Medium, "Format of the trust store: JKS, PKCS12 or PEM."),
		key("ssl.truststore.location", configdef.String, nil, configdef.High, "File with the certificates to trust; null for those that the system trusts."),
		key("ssl.truststore.password", configdef.Password, nil, configdef.High, "Password of the trust store. Without one, a JKS store is read unchecked."),
		key("ssl.keymanager.algorithm", configdef.String, "SunX509", configdef.Low, "Algorithm of the key manager."+jvm),
		key("ssl.trustmanager.algorithm", configdef.String, "PKIX", configdef.Low, "Algorithm of the trust manager."+jvm),
		key("ssl.endpoint.identification.algorithm", configdef.String, "https", configdef.Low, "https to check that the server's certificate is for its host name; empty not to."),
		key("ssl.secure.random.implementation", configdef.String, nil, configdef.Low, "Source of random numbers."+jvm),
		key("ssl.engine.factory.class", configdef.Class, nil, configdef.Low, "Class that makes TLS engines. Classes of the JVM cannot be used."),
	)
}

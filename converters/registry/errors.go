package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/moldau-io/moldau/connect/errs"
)

// Classes of what Confluent's serializers and client throw.
const (
	classRest           = "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException"
	classTimeout        = "org.apache.kafka.common.errors.TimeoutException"
	classAuthentication = "org.apache.kafka.common.errors.AuthenticationException"
	classAuthorization  = "org.apache.kafka.common.errors.AuthorizationException"
	classThrottled      = "org.apache.kafka.common.errors.ThrottlingQuotaExceededException"
	classDisconnect     = "org.apache.kafka.common.errors.DisconnectException"
	classNetwork        = "org.apache.kafka.common.errors.NetworkException"
	classConfiguration  = "org.apache.kafka.common.errors.InvalidConfigurationException"
	classIO             = "java.io.IOException"
	classSocketTimeout  = "java.net.SocketTimeoutException"
	classSocket         = "java.net.ConnectException"
	classUnknownHost    = "java.net.UnknownHostException"
	classSSL            = "javax.net.ssl.SSLException"
)

// Error is the answer of a registry that refuses.
type Error struct {
	Status  int // of HTTP
	Code    int // the registry's own, such as 40403
	Message string
}

// Error is the message as Confluent's client gives it.
func (e *Error) Error() string { return fmt.Sprintf("%s; error code: %d", e.Message, e.Code) }

// retriable says whether the same request may succeed later.
func (e *Error) retriable() bool {
	switch e.Status {
	case 408, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

// unreachable labels what kept a request from being answered.
func unreachable(err error) error {
	var (
		dns       *net.DNSError
		record    tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		verify    *tls.CertificateVerificationError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errs.New(classSocketTimeout, "%v", err)
	case errors.As(err, &dns):
		return errs.New(classUnknownHost, "%v", err)
	case errors.As(err, &record), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &verify):
		return errs.New(classSSL, "%v", err)
	}
	return errs.New(classSocket, "%v", err)
}

// Thrown makes of what a request failed with what Java's serializers throw: refused is
// their text where the registry answers, failed the one where nothing does.
func Thrown(err error, refused, failed string) error {
	var e *Error
	if !errors.As(err, &e) {
		if errs.Class(err) == classSocketTimeout {
			return errs.Wrap(classTimeout, err, "%s", failed)
		}
		return errs.Wrap(errs.ClassSerialization, err, "%s", failed)
	}
	cause := errs.New(classRest, "%s", e.Error())
	switch e.Status {
	case 401:
		return errs.Wrap(classAuthentication, cause, "%s", refused)
	case 403:
		return errs.Wrap(classAuthorization, cause, "%s", refused)
	case 429:
		return blameless(errs.New(classThrottled, "%s", e.Error()))
	case 408, 500, 503, 504:
		return errs.Wrap(classTimeout, cause, "%s", refused)
	case 502:
		return blameless(errs.Wrap(classDisconnect, cause, "%s", refused))
	}
	return errs.Wrap(errs.ClassSerialization, cause, "%s", refused)
}

// blameless marks an error that the registry's absence is the reason of: trying again
// may help, and no record is at fault.
func blameless(e *errs.Error) *errs.Error {
	e.Retry, e.Blameless = true, true
	return e
}

// Texts are what a converter says of a failure in one direction. Each has a verb %s for
// the topic.
type Texts struct {
	Failed  string // data or registry are to blame
	Network string // before a colon and the reason
	Access  string // the same
}

// Converted makes of what a serializer threw what the converter throws
// (toConnectData and fromConnectData of Confluent's converters).
func (t Texts) Converted(err error, topic string) error {
	switch errs.Class(err) {
	case classTimeout:
		return blameless(errs.Wrap(errs.ClassRetriable, err, t.Failed, topic))
	case errs.ClassSerialization:
		switch cause := errors.Unwrap(err); {
		case cause == nil:
		case errs.Class(cause) == classSocket, errs.Class(cause) == classSocketTimeout, errs.Class(cause) == classSSL, errs.Class(cause) == classUnknownHost:
			message, _ := errs.Message(cause)
			return blameless(errs.Wrap(classNetwork, err, t.Network+": %s", topic, message))
		}
		return errs.Wrap(errs.ClassData, err, t.Failed, topic)
	case classConfiguration:
		message, _ := errs.Message(err)
		return errs.Wrap(errs.ClassConfig, err, t.Access+" : %s", topic, message)
	}
	return err
}

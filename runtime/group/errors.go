package group

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/moldau-io/moldau/connect/errs"
)

const javaErrors = "org.apache.kafka.common.errors."

// answer is a broker's error by its name alone, for a message that has the
// description already.
type answer struct{ kerr *kerr.Error }

func (a answer) Error() string { return a.kerr.Message }
func (a answer) Unwrap() error { return a.kerr }

// fatal returns the error with which a member ends because joining again cannot
// help, or nil if it can. Java's worker exits on the same ones.
func (o *owner) fatal(err error) error {
	var ke *kerr.Error
	if !errors.As(err, &ke) {
		return nil
	}
	group := o.cfg.GroupID
	err = answer{ke}
	label := func(class string) *errs.Error {
		return errs.Wrap(javaErrors+class, err, "%s", ke.Description)
	}
	switch ke.Code {
	case kerr.InconsistentGroupProtocol.Code:
		return label("InconsistentGroupProtocolException").WithHint(
			"joining group.id=%s: the group is one of consumers, or of workers with which this one shares no protocol (connect.protocol=%s); "+
				"choose another group.id, or the same connect.protocol on all workers", group, o.cfg.Protocol)
	case kerr.GroupAuthorizationFailed.Code:
		return errs.Wrap(javaErrors+"GroupAuthorizationException", err, "Not authorized to access group: %s", group).
			WithHint("the worker's principal needs the ACL Read on the group %s", group)
	case kerr.InvalidSessionTimeout.Code:
		return label("InvalidSessionTimeoutException").WithHint(
			"session.timeout.ms=%d must be within the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms",
			o.cfg.SessionTimeout.Milliseconds())
	case kerr.InvalidGroupID.Code:
		return label("InvalidGroupIdException").WithHint("group.id=%q is not a name brokers take", group)
	case kerr.GroupMaxSizeReached.Code:
		return errs.Wrap(javaErrors+"GroupMaxSizeReachedException", err,
			"Consumer group %s already has the configured maximum number of members.", group).
			WithHint("raise group.max.size on the brokers")
	case kerr.FencedInstanceID.Code:
		return label("FencedInstanceIdException")
	case kerr.UnsupportedVersion.Code:
		return label("UnsupportedVersionException").WithHint("the brokers are too old for this worker")
	case kerr.SaslAuthenticationFailed.Code:
		return label("SaslAuthenticationException").WithHint("check sasl.jaas.config")
	case kerr.UnsupportedSaslMechanism.Code:
		return label("UnsupportedSaslMechanismException").WithHint("check sasl.mechanism")
	case kerr.ClusterAuthorizationFailed.Code:
		return label("ClusterAuthorizationException")
	}
	return nil
}

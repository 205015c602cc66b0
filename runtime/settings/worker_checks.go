package settings

import (
	"math"
	"slices"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

const maxInt = math.MaxInt32

// partitionsValidator is TopicCreationConfig.PARTITIONS_VALIDATOR.
func partitionsValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		n, ok := value.(int32)
		switch {
		case !ok:
			return errs.New(errs.ClassNullPointer, "the number of partitions is null")
		case n != -1 && n < 1:
			return cd.Invalid(name, value, "Number of partitions must be positive, or -1 to use the broker's default")
		}
		return nil
	}, "Positive number, or -1 to use the broker's default")
}

// replicationValidator is TopicCreationConfig.REPLICATION_FACTOR_VALIDATOR.
func replicationValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		n, ok := value.(int16)
		switch {
		case !ok:
			return errs.New(errs.ClassNullPointer, "the replication factor is null")
		case n != -1 && n < 1:
			return cd.Invalid(name, value, "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default")
		}
		return nil
	}, "Positive number not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default")
}

// protocolValidator checks connect.protocol (ConnectProtocolCompatibility).
func protocolValidator() cd.Validator {
	protocols := []string{"eager", "compatible", "sessioned"}
	return cd.LambdaValidator(func(name string, value any) error {
		text, ok := value.(string)
		if !ok || !slices.ContainsFunc(protocols, func(p string) bool { return strings.EqualFold(p, text) }) {
			return cd.Invalid(name, value, "Invalid Connect protocol compatibility")
		}
		return nil
	}, "["+strings.Join(protocols, ", ")+"]")
}

// macAlgorithms are the algorithms that sign requests between workers, by the
// names Java has for them and with the sizes of their keys in bits.
var macAlgorithms = []struct {
	name string
	bits int
}{
	{"HmacSHA1", 512}, {"HmacSHA224", 224}, {"HmacSHA256", 256}, {"HmacSHA384", 384}, {"HmacSHA512", 512},
}

// macAlgorithm finds an algorithm, in whatever case it is written.
func macAlgorithm(name string) (index int, ok bool) {
	for i, a := range macAlgorithms {
		if strings.EqualFold(a.name, name) {
			return i, true
		}
	}
	return 0, false
}

func checkAlgorithm(name string, value any, algorithm string) error {
	if _, ok := macAlgorithm(algorithm); ok {
		return nil
	}
	var known []string
	for _, a := range macAlgorithms {
		known = append(known, a.name)
	}
	return cd.Invalid(name, value, "the algorithm is not supported by this JVM; the supported algorithms are: ["+strings.Join(known, ", ")+"]")
}

func keyAlgorithmValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, _ := value.(string)
		return checkAlgorithm(name, value, text)
	}, "Any KeyGenerator algorithm supported by the worker JVM")
}

func signatureAlgorithmValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		text, _ := value.(string)
		return checkAlgorithm(name, value, text)
	}, "Any MAC algorithm supported by the worker JVM")
}

func verificationAlgorithmsValidator() cd.Validator {
	return cd.LambdaValidator(func(name string, value any) error {
		list, _ := value.([]string)
		if len(list) == 0 {
			return cd.Invalid(name, value, "At least one signature verification algorithm must be provided")
		}
		for _, algorithm := range list {
			if err := checkAlgorithm(name, algorithm, algorithm); err != nil {
				return err
			}
		}
		return nil
	}, "A list of one or more MAC algorithms, each supported by the worker JVM")
}

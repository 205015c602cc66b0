package registry

import "context"

// Refer finds a document that another one refers to, with its version: it registers it
// where records' schemas are registered, takes the latest version where the settings
// want that, and looks it up otherwise, or where lookup says so. compatible is as in
// Resolve. The error is that of the client (resolveDependencies of the serializer for
// Protobuf).
func (s *Serde) Refer(ctx context.Context, subject string, d Document, lookup bool, compatible func(Registered) error) (Registered, error) {
	switch {
	case s.register && !lookup:
		r, err := s.client.Register(ctx, subject, d, s.normalize)
		if err != nil || r.Version != 0 {
			return r, err
		}
	case s.useLatest && !lookup:
		r, err := s.Latest(ctx, subject)
		if err == nil && s.latestStrict {
			err = s.checked(r, compatible, latestStrictKey, ". See log file for more details.")
		}
		return r, err
	}
	return s.client.Lookup(ctx, subject, d, s.normalize, false)
}

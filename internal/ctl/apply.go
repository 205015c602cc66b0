package ctl

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
	"github.com/moldau-io/moldau/internal/suggest"
)

// change is what one setting becomes; nil is not there.
type change struct {
	Key    string  `json:"key"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// diff lists what differs, sorted by key.
func diff(before, after map[string]string) []change {
	var out []change
	keys := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		b, has := before[k]
		a, will := after[k]
		switch {
		case has && will && a != b:
			out = append(out, change{k, &b, &a})
		case has && !will:
			out = append(out, change{k, &b, nil})
		case will && !has:
			out = append(out, change{k, nil, &a})
		}
	}
	return out
}

// What becomes of a connector.
const (
	actCreate = "create"
	actUpdate = "update"
	actDelete = "delete"
	actNone   = "none"
)

// step is what apply does about one connector.
type step struct {
	Name    string   `json:"name"`
	Action  string   `json:"action"`
	Changes []change `json:"changes"`
	// Errors are what validation found, Notes what is probably misspelt.
	Errors []settingError `json:"errors"`
	Notes  []settingError `json:"notes,omitempty"`
	// Unseen are secrets that the server hides, so that nobody knows whether they differ.
	Unseen []string `json:"unseen,omitempty"`
	Source string   `json:"file,omitempty"`

	wanted  definition
	secrets secrets
}

type settingError struct {
	Key     string `json:"key"`
	Message string `json:"message"`
}

// keepHidden puts the server's values where the wanted ones are only the mask of a
// secret; masks are those where the server has none. What is compared is the same, with
// what the server itself hides, in unseen, taken for unchanged.
func keepHidden(wanted, current map[string]string, x secrets) (compared map[string]string, masks, unseen []string) {
	compared = maps.Clone(wanted)
	for k, v := range wanted {
		now, there := current[k]
		switch {
		case x.hidden(k, v) && there:
			wanted[k], compared[k] = now, now
		case x.hidden(k, v):
			masks = append(masks, k)
		case there && x.hidden(k, now):
			compared[k] = now
			unseen = append(unseen, k)
		}
	}
	slices.Sort(masks)
	slices.Sort(unseen)
	return compared, masks, unseen
}

// applyFlags are the flags of apply.
type applyFlags struct {
	files                             []string
	plan, exitCode, force, noValidate bool
	prune                             string
	yes                               bool
	waitFlags
}

func (s *session) applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use: "apply -f FILE|FOLDER", Short: "Make connectors as files say: create, update, or leave as they are",
		Long: `Make connectors as files say. The differences are shown first, with secrets masked, and
everything is validated by the server; if one setting is wrong, nothing is changed.
Connectors that are as they should be are left alone.

` + fileHelp + `

--plan only shows the differences. With --exit-code it ends with status 6 if there are
some, so that a script notices what was changed by other means.`,
		Example: `  moldau connector apply -f connectors/ --plan
  moldau connector apply -f connectors/ --wait
  moldau connector apply -f connectors/ --prune 'team-a-*' --plan`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.apply(cmd.Context(), f) },
	}
	cmd.Flags().StringArrayVarP(&f.files, "file", "f", nil, "`file` or folder of connectors; may be repeated")
	cmd.Flags().BoolVar(&f.plan, "plan", false, "show what would change, and change nothing")
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "with --plan: end with status 6 if something would change")
	cmd.Flags().BoolVar(&f.force, "force", false, "write configurations even if nothing differs, as after a change of a secret that the server hides")
	cmd.Flags().BoolVar(&f.noValidate, "no-validate", false, "do not validate first; the server still does when it is written")
	cmd.Flags().StringVar(&f.prune, "prune", "", "delete connectors that match this `pattern` and are in no file")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask before --prune deletes")
	f.waitFlags.register(cmd, "they are in their state, or a task fails")
	return cmd
}

func (s *session) apply(ctx context.Context, f applyFlags) error {
	if len(f.files) == 0 {
		return usage("-f is missing: a file or folder of connectors")
	}
	if f.exitCode && !f.plan {
		return usage("--exit-code goes with --plan")
	}
	wanted, err := s.load(f.files)
	if err != nil {
		return err
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	steps, err := s.plan(ctx, c, wanted, f)
	if err != nil {
		return err
	}
	structured := s.flags.output == "json" || s.flags.output == "yaml"
	if structured {
		if err := s.show(maskedSteps(steps), nil); err != nil {
			return err
		}
	} else {
		s.printPlan(steps)
	}
	wrong, differs, deletes := 0, 0, []string{}
	for _, st := range steps {
		wrong += len(st.Errors)
		if st.Action != actNone {
			differs++
		}
		if st.Action == actDelete {
			deletes = append(deletes, st.Name)
		}
	}
	switch {
	case wrong > 0:
		return usage("%s wrong; nothing was changed", plural(wrong, "setting is", "settings are")).next("correct the files; moldau plugin describe CLASS explains the settings")
	case f.plan && f.exitCode && differs > 0:
		return &exit{ExitDiffers}
	case f.plan:
		return nil
	}
	if len(deletes) > 0 && !f.yes {
		if err := s.confirm("delete " + strings.Join(deletes, ", ")); err != nil {
			return err
		}
	}
	return s.carryOut(ctx, c, steps, f, structured)
}

// plan compares what is wanted with what there is, and validates what would be written.
func (s *session) plan(ctx context.Context, c *client.REST, wanted []definition, f applyFlags) ([]*step, error) {
	live, err := c.Connectors(ctx, "info")
	if err != nil {
		return nil, err
	}
	known := map[string]secrets{}
	secretsOf := func(class string) secrets {
		if _, ok := known[class]; !ok {
			known[class] = s.secretsOf(ctx, c, class)
		}
		return known[class]
	}
	steps := []*step{}
	inFiles := map[string]bool{}
	for _, d := range wanted {
		inFiles[d.name] = true
		st := &step{Name: d.name, Source: d.source, wanted: d, Changes: []change{}, Errors: []settingError{}}
		var current map[string]string
		if e, ok := live[d.name]; ok && e.Info != nil {
			current, st.Action = e.Info.Config, actUpdate
		} else {
			st.Action = actCreate
		}
		st.secrets = secretsOf(d.config["connector.class"])
		after, masks, unseen := keepHidden(d.config, current, st.secrets)
		for _, key := range masks {
			st.Errors = append(st.Errors, settingError{key, "the value is only the mask of a secret, and the server has none to keep"})
		}
		if current != nil && current["name"] == "" {
			current = maps.Clone(current)
			current["name"] = d.name
		}
		st.Changes = append(st.Changes, diff(current, after)...)
		if st.Action == actUpdate && len(st.Changes) == 0 && !f.force {
			st.Action, st.Unseen = actNone, unseen
		} else if !f.noValidate && len(st.Errors) == 0 {
			if st.Errors, st.Notes, err = validate(ctx, c, d.config); err != nil {
				return nil, about(err, "%s: validating connector %s", d.source, d.name)
			}
		}
		steps = append(steps, st)
	}
	if f.prune != "" {
		m, err := newMatcher(f.prune)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(live)) {
			if !inFiles[name] && m.matches(name) {
				steps = append(steps, &step{Name: name, Action: actDelete, Changes: []change{}, Errors: []settingError{}})
			}
		}
	}
	return steps, nil
}

// validate returns what the server finds wrong with a configuration, and which of its
// settings the server does not know but knows by a similar name.
func validate(ctx context.Context, c *client.REST, config map[string]string) (wrong, notes []settingError, err error) {
	v, err := c.Validate(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	wrong = []settingError{}
	var defined []string
	for _, info := range v.Configs {
		for _, text := range info.Value.Errors {
			wrong = append(wrong, settingError{info.Value.Name, text})
		}
		if info.Definition != nil {
			defined = append(defined, info.Definition.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if meant, ok := suggest.Closest(key, defined); ok && meant != key {
			notes = append(notes, settingError{key, "the server does not know it; did you mean " + meant + "?"})
		}
	}
	return wrong, notes, nil
}

func maskedSteps(steps []*step) []*step {
	out := []*step{}
	for _, st := range steps {
		x := *st
		x.Changes = []change{}
		for _, ch := range st.Changes {
			x.Changes = append(x.Changes, change{ch.Key, st.secrets.optional(ch.Key, ch.Before), st.secrets.optional(ch.Key, ch.After)})
		}
		out = append(out, &x)
	}
	return out
}

func (x secrets) optional(key string, value *string) *string {
	if value == nil {
		return nil
	}
	v := x.value(key, *value)
	return &v
}

// printPlan shows what becomes of each connector.
func (s *session) printPlan(steps []*step) {
	y := s.style()
	for _, st := range steps {
		switch st.Action {
		case actNone:
			text := "= connector " + st.Name + ": no changes"
			if len(st.Unseen) > 0 {
				text += "; the server hides " + strings.Join(st.Unseen, ", ") + ", --force writes it"
			}
			s.printf("%s\n", text)
		case actDelete:
			s.printf("%s\n", y.red("- connector "+st.Name+": to be deleted, no file has it"))
		case actCreate:
			text := "+ connector " + st.Name + ": to be created"
			if st.wanted.state != "" {
				text += ", " + st.wanted.state
			}
			s.printf("%s\n", y.green(text))
		case actUpdate:
			if len(st.Changes) == 0 {
				s.printf("%s\n", y.yellow("~ connector "+st.Name+": to be written again"))
				break
			}
			s.printf("%s\n", y.yellow("~ connector "+st.Name+": "+plural(len(st.Changes), "setting changes", "settings change")))
		}
		s.printChanges(st.Changes, st.secrets)
		for _, e := range st.Errors {
			s.printf("    %s %s: %s\n", y.red("!"), e.Key, indented(e.Message, 6))
		}
		for _, e := range st.Notes {
			s.printf("    %s %s: %s\n", y.yellow("?"), e.Key, e.Message)
		}
	}
}

func (s *session) printChanges(changes []change, known secrets) {
	y, width := s.style(), 0
	for _, ch := range changes {
		width = max(width, len(ch.Key))
	}
	for _, ch := range changes {
		key := pad(ch.Key, width)
		show := func(v *string) string {
			shown := clean(known.value(ch.Key, *v))
			if shown == "" {
				return `""`
			}
			return indented(shown, width+8)
		}
		switch {
		case ch.Before == nil:
			s.printf("    %s %s  %s\n", y.green("+"), key, show(ch.After))
		case ch.After == nil:
			s.printf("    %s %s  %s\n", y.red("-"), key, show(ch.Before))
		case show(ch.Before) == show(ch.After):
			s.printf("    %s %s  %s (changed)\n", y.yellow("~"), key, show(ch.After))
		default:
			s.printf("    %s %s  %s → %s\n", y.yellow("~"), key, show(ch.Before), show(ch.After))
		}
	}
}

// carryOut writes what differs. It goes on after errors and reports all of them.
func (s *session) carryOut(ctx context.Context, c *client.REST, steps []*step, f applyFlags, quiet bool) error {
	var names []string
	for _, st := range steps {
		if st.Action == actUpdate || st.Action == actNone {
			names = append(names, st.Name)
		}
	}
	var before map[string]*client.ConnectorStatus
	var err error
	if f.wait {
		if before, err = look(ctx, c, names); err != nil {
			return err
		}
	}
	var failed []error
	wishes := map[string][]string{}
	did := func(st *step, what string) {
		if !quiet && what != "" {
			s.printf("connector %s %s\n", st.Name, what)
		}
		state := "RUNNING"
		if old := before[st.Name]; old != nil && slices.Contains(initialStates, old.Connector.State) {
			state = old.Connector.State // an update leaves a paused connector paused
		} else if st.Action == actCreate && st.wanted.state != "" {
			state = st.wanted.state
		}
		wishes[state] = append(wishes[state], st.Name)
	}
	for _, st := range steps {
		var err error
		switch st.Action {
		case actCreate:
			if err = c.Create(ctx, st.Name, st.wanted.config, st.wanted.state); err == nil {
				did(st, "created")
			}
		case actUpdate:
			if err = c.PutConfig(ctx, st.Name, st.wanted.config); err == nil {
				did(st, "updated")
			}
		case actNone:
			if did(st, ""); before != nil {
				delete(before, st.Name) // nothing changes: its state is the outcome already
			}
		case actDelete:
			if err = c.Delete(ctx, st.Name); err == nil && !quiet {
				s.printf("connector %s deleted\n", st.Name)
			}
		}
		if err != nil {
			failed = append(failed, about(err, "connector %s", st.Name))
		}
	}
	if f.wait {
		for _, state := range initialStates {
			if len(wishes[state]) == 0 {
				continue
			}
			if err := s.wait(ctx, c, wishes[state], wish{state: state, before: before, timeout: f.timeout}); err != nil {
				failed = append(failed, err)
			}
		}
	}
	return join(failed)
}

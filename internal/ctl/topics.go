package ctl

import (
	"github.com/spf13/cobra"
)

func (s *session) topicsCommand() *cobra.Command {
	var reset bool
	cmd := &cobra.Command{
		Use: "topics NAME|PATTERN …", Short: "List the topics connectors have used", Long: "List the topics that connectors have used since they were created or the list was\nreset. " + patternHelp,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			found, _, err := names(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			type row struct {
				Name   string   `json:"name"`
				Topics []string `json:"topics"`
			}
			rows := []row{}
			t := newTable("CONNECTOR", "TOPIC")
			t.name = 1
			for _, name := range found {
				if reset {
					if err := c.ResetTopics(cmd.Context(), name); err != nil {
						return about(err, "connector %s", name)
					}
					s.printf("topics of %s forgotten\n", name)
					continue
				}
				topics, err := c.Topics(cmd.Context(), name)
				if err != nil {
					return about(err, "connector %s", name)
				}
				rows = append(rows, row{name, append([]string{}, topics...)})
				for _, topic := range topics {
					t.add(name, topic)
				}
			}
			if reset {
				return nil
			}
			if len(t.rows) == 0 {
				s.notef("no topics yet\n")
			}
			return s.show(rows, t)
		},
	}
	cmd.Flags().BoolVar(&reset, "reset", false, "forget which topics were used")
	return cmd
}

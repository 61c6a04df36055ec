// The fields that hold free text: what people, programs and attackers wrote, of which no rule by field can say what it holds.

/** Built-in; a policy names more in `free_text_fields`. A path that leads to an object speaks of all in it. */
export const FREE_TEXT_FIELDS: readonly string[] = [
  'message',
  'event.reason',
  'error.message',
  'error.stack_trace',
  'process.args',
  'process.command_line',
  'process.title',
  'process.env_vars',
  'process.parent.args',
  'process.parent.command_line',
  'process.parent.title',
  'powershell',
  'http.request.body',
  'http.response.body',
  'url.full',
  'url.original',
  'url.query',
  'user_agent.original',
  'email.subject',
  'falco.output',
  'tetragon.args',
  'winlog.event_data.CommandLine',
  'winlog.event_data.ParentCommandLine',
  'winlog.event_data.ScriptBlockText',
  'winlog.event_data.Payload',
];

/** The field of an alert that holds free text (`events[].summary`), as the ledger names it. */
export const SUMMARY_FIELD = 'events.summary';

/** The raw record: never leaves when any field of its class is changed or its free text is dropped. */
export const ORIGINAL_FIELD = 'event.original';

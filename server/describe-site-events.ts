// Writes docs/site-events.md from the list of site events: `node server/describe-site-events.ts` after it changed.
import { writeFileSync } from 'node:fs';
import { SITE_DATASET, SITE_EVENTS } from '../platform/core/site-events.ts';

/** The page, Markdown; a test holds the committed one equal to it. */
export function describeSiteEvents(): string {
  const rows = Object.entries(SITE_EVENTS).map(([action, { category, type, outcome, subject, meaning }]) => {
    const ecs = [category.join(', '), type.join(', '), outcome].join(' · ');
    return `| \`${action}\` | ${meaning} | ${subject} | ${ecs} |`;
  });
  return `# What a site tells of itself

Generated from \`platform/core/site-events.ts\` by \`node server/describe-site-events.ts\`; do not edit.

A site makes events of what happens to it: refused callers, broken chains, drift. They are events like any other, in the dataset \`${SITE_DATASET}\`: indexed, seen by rules (\`product: picket\`, \`service: site\`; ours are under \`rules/sigma/site\`), and sent up by the residency rules of their class, \`operational\`. No source can make them: a record that a sender names \`picket.*\` loses that name.

| \`event.action\` | what happened | told apart by | \`event.category\` · \`event.type\` · \`event.outcome\` |
|---|---|---|---|
${rows.join('\n')}

## Fields

| field | what |
|---|---|
| \`error.code\` | stable code of the reason, the same that the log and the refused caller get |
| \`message\` | the same in words; may quote what a stranger sent |
| \`source.ip\` | the caller or sender, where there is one |
| \`tls.client.*\` | what a refused caller's certificate says of itself, believed or not |
| \`observer.name\`, \`picket.site.id\` | the site that tells |
| \`site_event.site\` | the child that it is about |
| \`site_event.source\`, \`.entry\`, \`.parent\`, \`.posture_version\`, \`.drift\`, \`.sequence\`, \`.expected\` | what else it is about |
| \`site_event.count\`, \`.first\`, \`.last\` | how many happenings it stands for |
| \`site_event.others\` | true when it sums what many more subjects did |

## How many

The first of a kind is told at once. What repeats with the same action, code and subject within a minute is told as one event with its count when the minute is over. An action has 32 subjects a minute that are told apart; what more of them do is one event with \`others\`. So a stranger who knocks a million times from a thousand addresses makes 33 events at once and as many when the minute ends, and no knock is missing from the counts. When the bus takes nothing they are counted as \`bus\` / \`site-event-lost\`. What is still being counted is in memory: a \`kill -9\` loses up to a minute of counts, never the first of a kind.

A firewall is read back before each change and once a minute at least. Silence of a source is judged by its own habit, in memory: after a restart it must speak twenty times before it can be missed.
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/site-events.md', import.meta.url), describeSiteEvents());
}

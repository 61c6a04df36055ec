// Renders the residency report as one page without script: for auditors, on screen and on paper.
import type { Amount, FieldRow, ReportRow, ResidencyReport, SiteResidency } from './build-report.ts';
import type { ReportGap } from './find-gaps.ts';
import { STYLE } from './style.ts';
import { type ReportLanguage, type ReportWords, WORDS } from './words.ts';

export type { ReportLanguage } from './words.ts';

/** Standalone HTML; everything that came from a site is escaped. */
export function renderResidencyReport(report: ResidencyReport, language: ReportLanguage): string {
  const words = WORDS[language];
  const time = (iso: string): string => `<time datetime="${escape(iso)}">${escape(showTime(iso))}</time>`;
  const period = words.period(
    report.from === undefined ? undefined : showTime(report.from),
    report.to === undefined ? undefined : showTime(report.to),
  );
  const sections = report.jurisdictions.map(
    ({ jurisdiction, left, stayed, sites }) => `
<section aria-labelledby="j-${escape(jurisdiction)}">
<h2 id="j-${escape(jurisdiction)}">${escape(jurisdiction)}</h2>
${renderBalance({ left, stayed, words })}
${sites.map((site) => renderSite({ site, words, time })).join('\n')}
</section>`,
  );
  return `<!doctype html>
<html lang="${words.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Picket: ${escape(words.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="brand">Picket</p>
<h1>${escape(words.title)}</h1>
<p>${escape(words.lead)}</p>
<p class="meta">${escape(period)} · ${escape(words.made)} ${time(report.made)}</p>
</header>
<main>
${sections.length === 0 ? `<p>${escape(words.nothing)}</p>` : sections.join('\n')}
</main>
<footer><p>${escape(words.note)}</p></footer>
</body>
</html>
`;
}

function renderBalance({
  left,
  stayed,
  words,
}: {
  left: Amount;
  stayed: Amount;
  words: ReportWords;
}): string {
  const total = left.records + stayed.records;
  const share = total === 0 ? 0 : left.records / total;
  const percent = new Intl.NumberFormat(words.locale, { style: 'percent', maximumFractionDigits: 1 }).format(
    share,
  );
  const figure = (label: string, amount: Amount, name: string): string =>
    `<div class="figure ${name}"><dt>${escape(label)}</dt><dd>${showNumber(amount.records, words)}</dd>` +
    `<dd class="unit">${escape(words.records)} · ${showBytes(amount.bytes, words)}</dd></div>`;
  const width = (share * 1000).toFixed(0);
  return `<dl class="balance">${figure(words.stayed, stayed, 'stayed')}${figure(words.left, left, 'left')}</dl>
<svg class="bar" role="img" aria-label="${escape(words.share(percent))}" viewBox="0 0 1000 12" preserveAspectRatio="none">
<rect class="bar-stayed" width="1000" height="12"/><rect class="bar-left" x="${1000 - Number(width)}" width="${width}" height="12"/></svg>`;
}

function renderSite(options: {
  site: SiteResidency;
  words: ReportWords;
  time: (iso: string) => string;
}): string {
  const { site, words, time } = options;
  const gaps =
    site.gaps.length === 0
      ? `<p>${escape(words.noGaps)}</p>`
      : `<ul class="gaps">${site.gaps.map((gap) => `<li>${escape(describeGap(gap, words))}</li>`).join('')}</ul>`;
  return `<article>
<h3>${escape(words.site)} ${escape(site.name)} <code>${escape(site.site)}</code></h3>
${site.rows.length === 0 ? '' : renderRows(site.rows, words)}
${site.fields.length === 0 ? `<h4>${escape(words.fieldsTitle)}</h4><p>${escape(words.noFields)}</p>` : renderFields(site.fields, words)}
${
  site.policies.length === 0
    ? ''
    : renderTable({
        caption: words.policies,
        head: [words.policy, words.from, words.to],
        rows: site.policies.map((policy) => [
          `<code title="${escape(policy.version)}">${escape(policy.version.slice(0, 16))}</code>`,
          time(policy.from),
          time(policy.to),
        ]),
      })
}
<h4>${escape(words.gapsTitle)}</h4>
${gaps}
</article>`;
}

function renderRows(rows: readonly ReportRow[], words: ReportWords): string {
  return renderTable({
    caption: words.decisions,
    head: [
      words.outcome,
      words.kind,
      words.class,
      words.dataset,
      words.destination,
      words.rule,
      words.records,
      words.bytes,
    ],
    numbers: 2,
    rows: rows.map((row) => [
      `<span class="tag ${row.outcome}">${escape(row.outcome === 'left' ? words.left : words.stayed)}</span>`,
      escape(words.kinds[row.kind]),
      escape(row.class),
      `<code>${escape(row.dataset)}</code>`,
      escape(row.destination),
      row.rule === 'default' ? escape(words.byDefault) : `<code>${escape(row.rule)}</code>`,
      showNumber(row.records, words),
      showBytes(row.bytes, words),
    ]),
  });
}

function renderFields(fields: readonly FieldRow[], words: ReportWords): string {
  return renderTable({
    caption: words.fieldsTitle,
    head: [words.field, words.act, words.class, words.rule, words.values],
    numbers: 1,
    rows: fields.map((row) => [
      `<code>${escape(row.field)}</code>`,
      escape(words.acts[row.act]),
      escape(row.class),
      `<code>${escape(row.rule)}</code>`,
      showNumber(row.values, words),
    ]),
  });
}

/** `rows` are cells of HTML already; the last `numbers` columns stand to the right. */
function renderTable(options: {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
  numbers?: number;
}): string {
  const { caption, head, rows, numbers = 0 } = options;
  const align = (at: number): string => (at >= head.length - numbers ? ' class="number"' : '');
  const headCells = head.map((cell, at) => `<th scope="col"${align(at)}>${escape(cell)}</th>`).join('');
  const bodyRows = rows.map(
    (row) => `<tr>${row.map((cell, at) => `<td${align(at)}>${cell}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll" role="region" aria-label="${escape(caption)}" tabindex="0"><table><caption>${escape(caption)}</caption>
<thead><tr>${headCells}</tr></thead><tbody>${bodyRows.join('\n')}</tbody></table></div>`;
}

function describeGap(gap: ReportGap, words: ReportWords): string {
  return (words.gaps[gap.kind] ?? gap.kind)
    .replace('{records}', showNumber(gap.records ?? 0, words))
    .replace('{since}', gap.since === undefined ? '' : showTime(gap.since));
}

function showTime(iso: string): string {
  return iso.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC');
}

function showNumber(value: number, words: ReportWords): string {
  return new Intl.NumberFormat(words.locale).format(value);
}

function showBytes(bytes: number, words: ReportWords): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return new Intl.NumberFormat(words.locale, {
    style: 'unit',
    unit: units[power] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: power === 0 ? 0 : 1,
  }).format(bytes / 1000 ** power);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

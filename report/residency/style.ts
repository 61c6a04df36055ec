// The look of the residency report: one style sheet, light and dark, and for paper.

export const STYLE = `
:root{color-scheme:light dark;--ink:#16202b;--soft:#516070;--line:#d6dde4;--paper:#fff;--card:#f6f8fa;--left:#b4490a;--stayed:#0b6b57;--gap:#8a1f2d}
@media (prefers-color-scheme:dark){:root{--ink:#e7ecf1;--soft:#a3b0bd;--line:#33404d;--paper:#12181f;--card:#1a222b;--left:#f0a060;--stayed:#5fcbb0;--gap:#f29aa5}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif}
.brand{margin:0;color:var(--soft);font-weight:600;letter-spacing:.08em;text-transform:uppercase;font-size:.8rem}
h1{margin:.1em 0 .2em;font-size:2rem;line-height:1.2}
h2{margin:0 0 .6rem;font-size:1.5rem}
h3{margin:0 0 .8rem;font-size:1.1rem}
h4{margin:1.2rem 0 .3rem;font-size:.95rem}
.meta,footer{color:var(--soft);font-size:.9rem}
section{margin-top:2.5rem;padding-top:1.5rem;border-top:2px solid var(--ink)}
article{margin-top:1.5rem;padding:1.25rem;border:1px solid var(--line);border-radius:10px;background:var(--card)}
code{font:.88em ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
.balance{display:flex;flex-wrap:wrap;gap:1rem 3rem;margin:0 0 .6rem}
.figure dt{color:var(--soft);font-size:.9rem}
.figure dd{margin:0;font-size:1.9rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.2}
.figure dd.unit{font-size:.9rem;font-weight:400;color:var(--soft)}
.figure.left dd:first-of-type{color:var(--left)}
.figure.stayed dd:first-of-type{color:var(--stayed)}
.bar{display:block;width:100%;height:12px;border-radius:6px;overflow:hidden}
.bar-left{fill:var(--left)}.bar-stayed{fill:var(--stayed)}
.scroll{overflow-x:auto;margin-top:1rem}
.scroll:focus-visible{outline:2px solid var(--stayed);outline-offset:3px}
table{width:100%;border-collapse:collapse;font-size:.92rem}
caption{padding:.2rem 0 .4rem;text-align:left;font-weight:650}
th,td{padding:.4rem .8rem .4rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600;white-space:nowrap}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.tag{font-weight:650;white-space:nowrap}
.tag.left{color:var(--left)}.tag.stayed{color:var(--stayed)}
.gaps{margin:.3rem 0 0;padding-left:1.2rem;color:var(--gap)}
@media print{body{max-width:none;padding:0;font-size:10pt}.scroll{overflow:visible}article{background:none;break-inside:auto}tr,h2,h3,h4{break-inside:avoid;break-after:avoid}thead{display:table-header-group}.bar{print-color-adjust:exact}}
`;

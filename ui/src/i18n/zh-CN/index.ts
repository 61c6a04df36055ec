// All strings of one language, by feature.
import alerts from './alerts.json' with { type: 'json' };
import app from './app.json' with { type: 'json' };
import casework from './casework.json' with { type: 'json' };
import incidents from './incidents.json' with { type: 'json' };
import investigation from './investigation.json' with { type: 'json' };
import report from './report.json' with { type: 'json' };
import response from './response.json' with { type: 'json' };
import rules from './rules.json' with { type: 'json' };
import search from './search.json' with { type: 'json' };
import sites from './sites.json' with { type: 'json' };

const strings = {
  ...app,
  ...sites,
  ...alerts,
  ...incidents,
  ...casework,
  ...investigation,
  ...response,
  ...search,
  ...report,
  ...rules,
};
export default strings;

// The words of the residency report, in English and in Chinese.

export type ReportLanguage = 'en' | 'zh';

export interface ReportWords {
  readonly locale: string;
  readonly title: string;
  readonly lead: string;
  readonly period: (from: string | undefined, to: string | undefined) => string;
  readonly made: string;
  readonly left: string;
  readonly stayed: string;
  readonly records: string;
  readonly bytes: string;
  readonly site: string;
  readonly kind: string;
  readonly kinds: Readonly<Record<'event' | 'alert', string>>;
  readonly class: string;
  readonly dataset: string;
  readonly destination: string;
  readonly rule: string;
  readonly outcome: string;
  readonly decisions: string;
  readonly fieldsTitle: string;
  readonly field: string;
  readonly act: string;
  readonly acts: Readonly<Record<'drop' | 'mask' | 'hash', string>>;
  readonly values: string;
  readonly policies: string;
  readonly policy: string;
  readonly from: string;
  readonly to: string;
  readonly gapsTitle: string;
  readonly gaps: Readonly<Record<string, string>>;
  readonly noGaps: string;
  readonly noFields: string;
  readonly nothing: string;
  readonly byDefault: string;
  readonly share: (percent: string) => string;
  readonly note: string;
}

export const WORDS: Readonly<Record<ReportLanguage, ReportWords>> = {
  en: {
    locale: 'en',
    title: 'Residency report',
    lead: 'What stayed in each jurisdiction, what left it, and what was taken out before it left.',
    period: (from, to) =>
      from === undefined && to === undefined
        ? 'All that is known'
        : `${from ?? 'the beginning'} to ${to ?? 'now'}`,
    made: 'Made',
    left: 'Left',
    stayed: 'Stayed',
    records: 'Records',
    bytes: 'Bytes',
    site: 'Site',
    kind: 'Kind',
    kinds: { event: 'event', alert: 'alert' },
    class: 'Class',
    dataset: 'Dataset',
    destination: 'Destination',
    rule: 'Rule',
    outcome: 'Outcome',
    decisions: 'Decisions by rule',
    fieldsTitle: 'Fields removed, masked or hashed',
    field: 'Field',
    act: 'Act',
    acts: { drop: 'removed', mask: 'masked', hash: 'hashed' },
    values: 'Values',
    policies: 'Policies in force',
    policy: 'Version',
    from: 'From',
    to: 'To',
    gapsTitle: 'Gaps',
    gaps: {
      'nothing-reported': 'No decision of this site is known for the period.',
      silent: 'The site has not been heard since {since}.',
      'spool-waiting': '{records} records waited to be judged or sent at {since}.',
      'expired-before-sent': '{records} records expired before they could be sent.',
      unreadable: '{records} records could not be read and stayed.',
    },
    noGaps: 'None known.',
    noFields: 'No field was changed.',
    nothing: 'No site has reported yet.',
    byDefault: 'default (no rule spoke: it stays)',
    share: (percent) => `${percent} of records left`,
    note: 'Bytes of what left are those of the record as it was sent, before compression; of what stayed, as it is kept.',
  },
  zh: {
    locale: 'zh-CN',
    title: '数据驻留报告',
    lead: '各管辖区内留存的数据、离开的数据，以及离开前被去除的内容。',
    period: (from, to) =>
      from === undefined && to === undefined ? '全部已知时段' : `${from ?? '最早'} 至 ${to ?? '现在'}`,
    made: '生成时间',
    left: '已离开',
    stayed: '已留存',
    records: '记录数',
    bytes: '字节数',
    site: '站点',
    kind: '种类',
    kinds: { event: '日志', alert: '告警' },
    class: '类别',
    dataset: '数据集',
    destination: '目的地',
    rule: '规则',
    outcome: '结果',
    decisions: '按规则统计的决定',
    fieldsTitle: '被删除、遮蔽或哈希的字段',
    field: '字段',
    act: '处理',
    acts: { drop: '删除', mask: '遮蔽', hash: '哈希' },
    values: '值数',
    policies: '生效的策略',
    policy: '版本',
    from: '起',
    to: '止',
    gapsTitle: '缺口',
    gaps: {
      'nothing-reported': '该时段内没有此站点的任何决定记录。',
      silent: '自 {since} 起未收到该站点的消息。',
      'spool-waiting': '{since} 时有 {records} 条记录等待判定或发送。',
      'expired-before-sent': '{records} 条记录在发送前已过期。',
      unreadable: '{records} 条记录无法读取，已留存。',
    },
    noGaps: '未发现。',
    noFields: '没有字段被更改。',
    nothing: '尚无站点上报。',
    byDefault: '默认（无规则适用：留存）',
    share: (percent) => `${percent} 的记录已离开`,
    note: '离开数据的字节数为发送时（压缩前）的大小；留存数据的字节数为其保存时的大小。',
  },
};

export interface Example {
  name: string;
  expression: string;
}

export const examples: Example[] = [
  {
    name: 'Large orders are checked',
    expression: `when { order.ship.where(total > 500) }
always { fraud.check }
never { ship.override }`,
  },
  {
    name: 'Not too many queries',
    expression: 'when { count(db.query) > 0 }\nalways { count(db.query) <= 20 }',
  },
  {
    name: 'No personal data to a model',
    expression: `when { llm.request.where(data contains "personal") }
always { pii.redact }`,
  },
];

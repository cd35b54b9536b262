CREATE TABLE IF NOT EXISTS tasks (
  id uuid PRIMARY KEY,
  round text NOT NULL,
  type text NOT NULL,
  params jsonb NOT NULL,
  status text NOT NULL,
  result jsonb,
  submitted_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz
);
CREATE INDEX IF NOT EXISTS tasks_by_round ON tasks (round) WHERE completed_at IS NOT NULL;

CREATE TABLE `limit_subs` (
	`owner` text NOT NULL,
	`key` text NOT NULL,
	`sub_key` text NOT NULL,
	`tokens` real NOT NULL,
	`tokens_at` integer NOT NULL,
	PRIMARY KEY(`owner`, `key`, `sub_key`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `limits` (
	`owner` text NOT NULL,
	`key` text NOT NULL,
	`max_running` integer,
	`rate_count` integer,
	`rate_ms` integer,
	`rate_burst` integer,
	`sub_max_running` integer,
	`sub_rate_count` integer,
	`sub_rate_ms` integer,
	`sub_rate_burst` integer,
	`for_type` integer DEFAULT 0 NOT NULL,
	`paused_until` integer,
	`tokens` real,
	`tokens_at` integer,
	`cursor` text DEFAULT '' NOT NULL,
	`picked` text,
	`wake_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`owner`, `key`),
	CONSTRAINT "rate_whole" CHECK((rate_count IS NULL) = (rate_ms IS NULL)),
	CONSTRAINT "sub_rate_whole" CHECK((sub_rate_count IS NULL) = (sub_rate_ms IS NULL))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `limits_due` ON `limits` (`wake_at`) WHERE wake_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `unique_keys` (
	`owner` text NOT NULL,
	`key` text NOT NULL,
	`task_id` text NOT NULL,
	`until` integer,
	PRIMARY KEY(`owner`, `key`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `tasks` ADD `unique_key` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `unique_ms` integer;--> statement-breakpoint
CREATE INDEX `tasks_held` ON `tasks` (`owner`,`limit_key`,`sub_key`,`turn`) WHERE turn IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_slots` ON `tasks` (`owner`,`limit_key`,`sub_key`,`slot`) WHERE slot IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_expiring` ON `tasks` (`expires_at`) WHERE expires_at IS NOT NULL AND attempt = 0 AND completed_at IS NULL;
--> statement-breakpoint
CREATE TRIGGER `tasks_free_slot` AFTER UPDATE OF `status` ON `tasks` WHEN (NEW.slot IS NOT NULL OR NEW.turn IS NOT NULL) AND NEW.status IN ('COMPLETED', 'FAILED', 'CANCELLED', 'PAUSED') BEGIN UPDATE tasks SET slot = NULL, turn = NULL WHERE owner = NEW.owner AND id = NEW.id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_lose_turn` AFTER UPDATE OF `held` ON `tasks` WHEN NEW.turn IS NOT NULL AND NEW.held IS NOT 'limit' BEGIN UPDATE tasks SET turn = NULL WHERE owner = NEW.owner AND id = NEW.id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_stay_unique` BEFORE INSERT ON `tasks` WHEN NEW.unique_key IS NOT NULL BEGIN SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM unique_keys WHERE owner = NEW.owner AND key = NEW.unique_key AND task_id <> NEW.id AND (until > NEW.submitted_at OR (until IS NULL AND EXISTS (SELECT 1 FROM tasks WHERE owner = unique_keys.owner AND id = unique_keys.task_id AND completed_at IS NULL)))); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_take_unique` AFTER INSERT ON `tasks` WHEN NEW.unique_key IS NOT NULL BEGIN INSERT INTO unique_keys (owner, key, task_id, until) VALUES (NEW.owner, NEW.unique_key, NEW.id, NEW.submitted_at + NEW.unique_ms) ON CONFLICT (owner, key) DO UPDATE SET task_id = excluded.task_id, until = excluded.until WHERE task_id <> excluded.task_id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_stay_unique_again` BEFORE UPDATE OF `completed_at` ON `tasks` WHEN NEW.unique_key IS NOT NULL AND OLD.completed_at IS NOT NULL AND NEW.completed_at IS NULL BEGIN SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM unique_keys WHERE owner = NEW.owner AND key = NEW.unique_key AND task_id <> NEW.id AND (until > NEW.updated_at OR (until IS NULL AND EXISTS (SELECT 1 FROM tasks WHERE owner = unique_keys.owner AND id = unique_keys.task_id AND completed_at IS NULL)))); END;
--> statement-breakpoint
CREATE TRIGGER `tasks_take_unique_again` AFTER UPDATE OF `completed_at` ON `tasks` WHEN NEW.unique_key IS NOT NULL AND OLD.completed_at IS NOT NULL AND NEW.completed_at IS NULL BEGIN INSERT INTO unique_keys (owner, key, task_id, until) VALUES (NEW.owner, NEW.unique_key, NEW.id, NEW.submitted_at + NEW.unique_ms) ON CONFLICT (owner, key) DO UPDATE SET task_id = excluded.task_id, until = excluded.until WHERE task_id <> excluded.task_id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_leave_unique` AFTER DELETE ON `tasks` WHEN OLD.unique_key IS NOT NULL BEGIN DELETE FROM unique_keys WHERE owner = OLD.owner AND key = OLD.unique_key AND task_id = OLD.id; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_reindex` AFTER UPDATE OF `identifiers` ON `tasks` WHEN NEW.identifiers IS NOT OLD.identifiers BEGIN DELETE FROM search_index WHERE owner = OLD.owner AND task_id = OLD.id AND value IN (SELECT value FROM json_each(coalesce(OLD.identifiers, '[]'))); INSERT OR IGNORE INTO search_index (owner, value, task_id) SELECT NEW.owner, identifiers.value, NEW.id FROM json_each(coalesce(NEW.identifiers, '[]')) AS identifiers; END;

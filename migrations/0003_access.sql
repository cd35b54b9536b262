CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`owner` text NOT NULL,
	`key_id` text,
	`action` text NOT NULL,
	`subject` text,
	`ip` text,
	`request_id` text
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `audit_by_owner` ON `audit` (`owner`,`id`);--> statement-breakpoint
CREATE TABLE `delivery_gates` (
	`name` text PRIMARY KEY NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`closed_until` integer DEFAULT 0 NOT NULL,
	`minute` integer DEFAULT 0 NOT NULL,
	`sent` integer DEFAULT 0 NOT NULL,
	`allowance` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `owners` (
	`owner` text PRIMARY KEY NOT NULL,
	`task_bytes` integer DEFAULT 0 NOT NULL,
	`file_bytes` integer DEFAULT 0 NOT NULL,
	`webhook_version` integer DEFAULT 0 NOT NULL,
	`webhook_rotated_at` integer
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `keys` ADD `last_used_at` integer;--> statement-breakpoint
ALTER TABLE `keys` ADD `task_types` text;--> statement-breakpoint
ALTER TABLE `keys` ADD `writes_per_minute` integer;--> statement-breakpoint
CREATE TRIGGER `tasks_grow` AFTER INSERT ON `tasks` WHEN (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000')) > 0 BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000'))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_resize` AFTER UPDATE OF `result`, `attempts`, `description` ON `tasks` WHEN (octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000')) <> (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) * (((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) > 4096) + 4096 * ((octet_length(NEW.params) + octet_length(NEW.attempts) + coalesce(octet_length(NEW.result), 0) + coalesce(octet_length(NEW.description), 0) + 450) <= 4096 AND substr(NEW.id, 34) = '000'))) - ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `tasks_shrink` AFTER DELETE ON `tasks` WHEN (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000')) > 0 BEGIN INSERT INTO owners (owner, task_bytes) VALUES (OLD.owner, 0 - (octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) * (((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) > 4096) + 4096 * ((octet_length(OLD.params) + octet_length(OLD.attempts) + coalesce(octet_length(OLD.result), 0) + coalesce(octet_length(OLD.description), 0) + 450) <= 4096 AND substr(OLD.id, 34) = '000'))) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
INSERT INTO owners (owner, task_bytes) SELECT tasks.owner, sum((octet_length(tasks.params) + octet_length(tasks.attempts) + coalesce(octet_length(tasks.result), 0) + coalesce(octet_length(tasks.description), 0) + 450) * (((octet_length(tasks.params) + octet_length(tasks.attempts) + coalesce(octet_length(tasks.result), 0) + coalesce(octet_length(tasks.description), 0) + 450) > 4096) + 4096 * ((octet_length(tasks.params) + octet_length(tasks.attempts) + coalesce(octet_length(tasks.result), 0) + coalesce(octet_length(tasks.description), 0) + 450) <= 4096 AND substr(tasks.id, 34) = '000'))) FROM tasks GROUP BY tasks.owner;--> statement-breakpoint
UPDATE keys SET scopes = json_insert(scopes, '$[#]', 'operator') WHERE EXISTS (SELECT 1 FROM json_each(scopes) WHERE value = 'admin');

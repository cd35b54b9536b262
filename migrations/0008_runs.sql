CREATE TABLE `run_logs` (
	`owner` text NOT NULL,
	`task_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`first` integer NOT NULL,
	`count` integer NOT NULL,
	`cut` integer DEFAULT 0 NOT NULL,
	`lines` text NOT NULL,
	PRIMARY KEY(`owner`, `task_id`, `attempt`, `first`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `run_steps` (
	`owner` text NOT NULL,
	`task_id` text NOT NULL,
	`name` text NOT NULL,
	`attempt` integer NOT NULL,
	`result` text NOT NULL,
	PRIMARY KEY(`owner`, `task_id`, `name`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `tasks_children` ON `tasks` (`owner`,`parent_id`,`id`) WHERE parent_id IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER `tasks_forget_runs` AFTER DELETE ON `tasks` BEGIN DELETE FROM run_logs WHERE owner = OLD.owner AND task_id = OLD.id; DELETE FROM run_steps WHERE owner = OLD.owner AND task_id = OLD.id; END;
--> statement-breakpoint
CREATE TRIGGER `run_logs_grow` AFTER INSERT ON `run_logs` WHEN (instr('123456789abcdef', substr(NEW.task_id, 32, 1)) * 65536 + instr('123456789abcdef', substr(NEW.task_id, 33, 1)) * 4096 + instr('123456789abcdef', substr(NEW.task_id, 34, 1)) * 256 + instr('123456789abcdef', substr(NEW.task_id, 35, 1)) * 16 + instr('123456789abcdef', substr(NEW.task_id, 36, 1)) * 1) < octet_length(NEW.lines) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, 1048576) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `run_logs_shrink` AFTER DELETE ON `run_logs` WHEN (instr('123456789abcdef', substr(OLD.task_id, 32, 1)) * 65536 + instr('123456789abcdef', substr(OLD.task_id, 33, 1)) * 4096 + instr('123456789abcdef', substr(OLD.task_id, 34, 1)) * 256 + instr('123456789abcdef', substr(OLD.task_id, 35, 1)) * 16 + instr('123456789abcdef', substr(OLD.task_id, 36, 1)) * 1) < octet_length(OLD.lines) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (OLD.owner, -1048576) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `run_steps_grow` AFTER INSERT ON `run_steps` WHEN (instr('123456789abcdef', substr(NEW.task_id, 32, 1)) * 65536 + instr('123456789abcdef', substr(NEW.task_id, 33, 1)) * 4096 + instr('123456789abcdef', substr(NEW.task_id, 34, 1)) * 256 + instr('123456789abcdef', substr(NEW.task_id, 35, 1)) * 16 + instr('123456789abcdef', substr(NEW.task_id, 36, 1)) * 1) < octet_length(NEW.result) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (NEW.owner, 1048576) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;
--> statement-breakpoint
CREATE TRIGGER `run_steps_shrink` AFTER DELETE ON `run_steps` WHEN (instr('123456789abcdef', substr(OLD.task_id, 32, 1)) * 65536 + instr('123456789abcdef', substr(OLD.task_id, 33, 1)) * 4096 + instr('123456789abcdef', substr(OLD.task_id, 34, 1)) * 256 + instr('123456789abcdef', substr(OLD.task_id, 35, 1)) * 16 + instr('123456789abcdef', substr(OLD.task_id, 36, 1)) * 1) < octet_length(OLD.result) BEGIN INSERT INTO owners (owner, task_bytes) VALUES (OLD.owner, -1048576) ON CONFLICT (owner) DO UPDATE SET task_bytes = task_bytes + excluded.task_bytes; END;

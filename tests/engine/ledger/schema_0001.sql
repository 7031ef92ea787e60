PRAGMA application_id = 1280852555;
BEGIN TRANSACTION;
CREATE TABLE account (
	id INTEGER NOT NULL, 
	volunteer TEXT NOT NULL, 
	county TEXT NOT NULL, 
	unit TEXT NOT NULL, 
	role TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT account_key UNIQUE (volunteer, county, unit, role), 
	CONSTRAINT account_unit CHECK (unit IN ('points', 'seconds')), 
	CONSTRAINT account_role CHECK (role IN ('earned', 'issued')), 
	CONSTRAINT account_owner CHECK ((role = 'issued') = (volunteer = ''))
)
 STRICT

;
INSERT INTO "account" VALUES(1,'V1','youxian','seconds','earned');
INSERT INTO "account" VALUES(2,'','youxian','seconds','issued');
INSERT INTO "account" VALUES(3,'V1','youxian','points','earned');
INSERT INTO "account" VALUES(4,'','youxian','points','issued');
INSERT INTO "account" VALUES(5,'志愿者','youxian','seconds','earned');
INSERT INTO "account" VALUES(6,'志愿者','youxian','points','earned');
INSERT INTO "account" VALUES(7,'V1','wuling','seconds','earned');
INSERT INTO "account" VALUES(8,'','wuling','seconds','issued');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE balance (
	account INTEGER NOT NULL, 
	posted INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	PRIMARY KEY (account), 
	CONSTRAINT balance_within CHECK (posted BETWEEN -1000000000000000 AND 1000000000000000), 
	FOREIGN KEY(account) REFERENCES account (id)
)
 STRICT

;
INSERT INTO "balance" VALUES(1,14400,4);
INSERT INTO "balance" VALUES(3,1150,4);
INSERT INTO "balance" VALUES(5,7200,1);
INSERT INTO "balance" VALUES(6,0,2);
INSERT INTO "balance" VALUES(7,7200,1);
CREATE TABLE entry (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	volunteer TEXT NOT NULL, 
	county TEXT NOT NULL, 
	registry TEXT NOT NULL, 
	record TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	effective_on TEXT NOT NULL, 
	policy_digest TEXT NOT NULL, 
	adjusts INTEGER, 
	seconds INTEGER NOT NULL, 
	points INTEGER NOT NULL, 
	body BLOB NOT NULL, 
	counted INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT entry_counted CHECK (counted IN (0, 1)), 
	CONSTRAINT entry_kind CHECK ((kind = 'original' AND adjusts IS NULL) OR (kind = 'adjusting' AND adjusts IS NOT NULL)), 
	CONSTRAINT entry_seconds_within CHECK (seconds BETWEEN -1000000000000000 AND 1000000000000000), 
	CONSTRAINT entry_points_within CHECK (points BETWEEN -1000000000000000 AND 1000000000000000), 
	FOREIGN KEY(policy_digest) REFERENCES policy (digest), 
	FOREIGN KEY(adjusts) REFERENCES entry (id)
)
 STRICT

;
INSERT INTO "entry" VALUES(1,'original','V1','youxian','zhiyuanhui','r1',1740000000,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',NULL,7200,600,X'7B22776879223A2232206820782033227D',1);
INSERT INTO "entry" VALUES(2,'original','V1','youxian','zhiyuanhui','r2',1740000000,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',NULL,7200,600,X'7B22776879223A2232206820782033227D',1);
INSERT INTO "entry" VALUES(3,'original','志愿者','youxian','zhiyuanhui','s1',1740000000,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',NULL,7200,600,X'7B22776879223A2232206820782033227D',1);
INSERT INTO "entry" VALUES(4,'adjusting','V1','youxian','zhiyuanhui','r1',1740000100,'2025-01-01','qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq',1,-3600,-300,X'7B22776879223A226C617465207265636F7264227D',1);
INSERT INTO "entry" VALUES(5,'original','V1','youxian','zhiyuanhui','r3',1740000100,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',NULL,0,0,X'7B22776879223A2232206820782033227D',0);
INSERT INTO "entry" VALUES(6,'original','V1','wuling','zhiyuanhui','w1',1740000100,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',NULL,7200,0,X'7B22776879223A2232206820782033227D',1);
INSERT INTO "entry" VALUES(7,'adjusting','V1','youxian','zhiyuanhui','r1',1740000050,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',1,3600,250,X'7B22776879223A226C617465207265636F7264227D',1);
INSERT INTO "entry" VALUES(8,'adjusting','志愿者','youxian','zhiyuanhui','s1',1740000050,'2025-01-01','pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp',3,0,-600,X'7B22776879223A226C617465207265636F7264227D',1);
CREATE TABLE import_run (
	id INTEGER NOT NULL, 
	county TEXT NOT NULL, 
	source TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	report BLOB NOT NULL, 
	PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "import_run" VALUES(1,'youxian','a.csv',1740000000,X'7B22726F7773223A337D');
CREATE TABLE policy (
	digest TEXT NOT NULL, 
	county TEXT NOT NULL, 
	title TEXT NOT NULL, 
	first_used_at INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO "policy" VALUES('pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp','youxian','攸县',1740000000,X'73746172733A207B7D');
INSERT INTO "policy" VALUES('qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq','youxian','later',1740000100,X'73746172733A207B6C6576656C733A205B5D7D');
CREATE TABLE posting (
	entry INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	account INTEGER NOT NULL, 
	unit TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	account_seq INTEGER, 
	balance_after INTEGER, 
	PRIMARY KEY (entry, line), 
	CONSTRAINT posting_amount CHECK (amount <> 0), 
	CONSTRAINT posting_amount_within CHECK (amount BETWEEN -1000000000000000 AND 1000000000000000), 
	CONSTRAINT posting_balance_within CHECK (balance_after BETWEEN -1000000000000000 AND 1000000000000000), 
	CONSTRAINT posting_running CHECK ((account_seq IS NULL) = (balance_after IS NULL)), 
	FOREIGN KEY(entry) REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED, 
	FOREIGN KEY(account) REFERENCES account (id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO "posting" VALUES(1,1,1,'seconds',7200,1,7200);
INSERT INTO "posting" VALUES(1,2,2,'seconds',-7200,NULL,NULL);
INSERT INTO "posting" VALUES(1,3,3,'points',600,1,600);
INSERT INTO "posting" VALUES(1,4,4,'points',-600,NULL,NULL);
INSERT INTO "posting" VALUES(2,1,1,'seconds',7200,2,14400);
INSERT INTO "posting" VALUES(2,2,2,'seconds',-7200,NULL,NULL);
INSERT INTO "posting" VALUES(2,3,3,'points',600,2,1200);
INSERT INTO "posting" VALUES(2,4,4,'points',-600,NULL,NULL);
INSERT INTO "posting" VALUES(3,1,5,'seconds',7200,1,7200);
INSERT INTO "posting" VALUES(3,2,2,'seconds',-7200,NULL,NULL);
INSERT INTO "posting" VALUES(3,3,6,'points',600,1,600);
INSERT INTO "posting" VALUES(3,4,4,'points',-600,NULL,NULL);
INSERT INTO "posting" VALUES(4,1,1,'seconds',-3600,3,10800);
INSERT INTO "posting" VALUES(4,2,2,'seconds',3600,NULL,NULL);
INSERT INTO "posting" VALUES(4,3,3,'points',-300,3,900);
INSERT INTO "posting" VALUES(4,4,4,'points',300,NULL,NULL);
INSERT INTO "posting" VALUES(6,1,7,'seconds',7200,1,7200);
INSERT INTO "posting" VALUES(6,2,8,'seconds',-7200,NULL,NULL);
INSERT INTO "posting" VALUES(7,1,1,'seconds',3600,4,14400);
INSERT INTO "posting" VALUES(7,2,2,'seconds',-3600,NULL,NULL);
INSERT INTO "posting" VALUES(7,3,3,'points',250,4,1150);
INSERT INTO "posting" VALUES(7,4,4,'points',-250,NULL,NULL);
INSERT INTO "posting" VALUES(8,1,6,'points',-600,2,0);
INSERT INTO "posting" VALUES(8,2,4,'points',600,NULL,NULL);
CREATE TABLE service_record (
	entry INTEGER NOT NULL, 
	record TEXT NOT NULL, 
	registry TEXT NOT NULL, 
	volunteer TEXT NOT NULL, 
	county TEXT NOT NULL, 
	content_hash TEXT NOT NULL, 
	content BLOB NOT NULL, 
	supplied BLOB NOT NULL, 
	PRIMARY KEY (entry), 
	CONSTRAINT service_record_key UNIQUE (record, registry), 
	FOREIGN KEY(entry) REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED
)
 STRICT

;
INSERT INTO "service_record" VALUES(1,'r1','zhiyuanhui','V1','youxian','467ee4e4f11974157879ecce4bd0e2e28519961594d720be06161ad941adc0b2',X'7B22636F756E7479223A22796F757869616E222C22646179223A22323032352D30312D3031222C22656E6465645F6174223A313733353731313230302C226661637473223A7B2263617465676F7279223A227475746F72696E67227D2C226964223A227231222C227265676973747279223A227A68697975616E687569222C227365636F6E6473223A373230302C22737461727465645F6174223A313733353730343030302C22766F6C756E74656572223A225631227D',X'7B7D');
INSERT INTO "service_record" VALUES(2,'r2','zhiyuanhui','V1','youxian','ce0a82308f75489ff183f69d5f77b87d561d72680f9f00055659fdd9c4521fee',X'7B22636F756E7479223A22796F757869616E222C22646179223A22323032352D30312D3031222C22656E6465645F6174223A313733353731313231302C226661637473223A7B2263617465676F7279223A227475746F72696E67227D2C226964223A227232222C227265676973747279223A227A68697975616E687569222C227365636F6E6473223A373230302C22737461727465645F6174223A313733353730343031302C22766F6C756E74656572223A225631227D',X'7B7D');
INSERT INTO "service_record" VALUES(3,'s1','zhiyuanhui','志愿者','youxian','20d0ab6210ee4c38ab9b312dea6cb5fd78a9a009b551ed8b86e9ba4bdeebd22b',X'7B22636F756E7479223A22796F757869616E222C22646179223A22323032352D30312D3031222C22656E6465645F6174223A313733353731313230302C226661637473223A7B2263617465676F7279223A227475746F72696E67227D2C226964223A227331222C227265676973747279223A227A68697975616E687569222C227365636F6E6473223A373230302C22737461727465645F6174223A313733353730343030302C22766F6C756E74656572223A22E5BF97E684BFE88085227D',X'7B7D');
INSERT INTO "service_record" VALUES(5,'r3','zhiyuanhui','V1','youxian','9ed886596413a3ab2ca2b1c5defbe10204a25605499b0718db18b8842bae23cc',X'7B22636F756E7479223A22796F757869616E222C22646179223A22323032352D30312D3031222C22656E6465645F6174223A313733353731313230302C226661637473223A7B2263617465676F7279223A227475746F72696E67227D2C226964223A227233222C227265676973747279223A227A68697975616E687569222C227365636F6E6473223A373230302C22737461727465645F6174223A313733353730343030302C22766F6C756E74656572223A225631227D',X'7B7D');
INSERT INTO "service_record" VALUES(6,'w1','zhiyuanhui','V1','wuling','bbd8c003c807667f5716dd3457e4895e390fa4f1ab90a4be9e3f920f22db2abf',X'7B22636F756E7479223A2277756C696E67222C22646179223A22323032352D30312D3031222C22656E6465645F6174223A313733353731313230302C226661637473223A7B2270656F706C65223A322C22E7B1BBE588AB223A22E695ACE88081227D2C226964223A227731222C227265676973747279223A227A68697975616E687569222C227365636F6E6473223A373230302C22737461727465645F6174223A313733353730343030302C22766F6C756E74656572223A225631227D',X'7B226C6576656C223A22E6A999E889B2222C22747970686F6F6E223A317D');
CREATE TABLE volunteer (
	id TEXT NOT NULL, 
	facts BLOB NOT NULL, 
	registered_on TEXT, 
	born_on TEXT, 
	PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "volunteer" VALUES('V1',X'7B22706F6C69746963616C5F737461747573223A223031227D','2020-01-02','1950-03-04');
INSERT INTO "volunteer" VALUES('志愿者',X'7B7D',NULL,NULL);
INSERT INTO "volunteer" VALUES('V9',X'7B22656E61626C6564223A317D',NULL,NULL);
CREATE INDEX entry_adjusts ON entry (adjusts) WHERE adjusts IS NOT NULL;
CREATE UNIQUE INDEX posting_running_key ON posting (account, account_seq) WHERE account_seq IS NOT NULL;
CREATE INDEX service_record_by_person ON service_record (volunteer, county);
CREATE TRIGGER policy_no_update BEFORE UPDATE ON policy BEGIN SELECT RAISE(ABORT, 'policy is append-only'); END;
CREATE TRIGGER policy_no_delete BEFORE DELETE ON policy BEGIN SELECT RAISE(ABORT, 'policy is append-only'); END;
CREATE TRIGGER account_no_update BEFORE UPDATE ON account BEGIN SELECT RAISE(ABORT, 'account is append-only'); END;
CREATE TRIGGER account_no_delete BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'account is append-only'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END;
CREATE TRIGGER service_record_no_update BEFORE UPDATE ON service_record BEGIN SELECT RAISE(ABORT, 'service_record is append-only'); END;
CREATE TRIGGER service_record_no_delete BEFORE DELETE ON service_record BEGIN SELECT RAISE(ABORT, 'service_record is append-only'); END;
CREATE TRIGGER import_run_no_update BEFORE UPDATE ON import_run BEGIN SELECT RAISE(ABORT, 'import_run is append-only'); END;
CREATE TRIGGER import_run_no_delete BEFORE DELETE ON import_run BEGIN SELECT RAISE(ABORT, 'import_run is append-only'); END;
CREATE TRIGGER balance_no_delete BEFORE DELETE ON balance BEGIN SELECT RAISE(ABORT, 'balance is append-only'); END;
CREATE TRIGGER posting_before_entry BEFORE INSERT ON posting WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry) BEGIN SELECT RAISE(ABORT, 'the entry is sealed'); END;
CREATE TRIGGER entry_balanced BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'the entry is not balanced') FROM (SELECT coalesce(sum(amount) FILTER (WHERE unit = 'seconds'), 0) AS seconds, coalesce(sum(amount) FILTER (WHERE unit = 'points'), 0) AS points, coalesce(sum(amount) FILTER (WHERE unit = 'seconds' AND account_seq IS NOT NULL), 0) AS seconds_earned, coalesce(sum(amount) FILTER (WHERE unit = 'points' AND account_seq IS NOT NULL), 0) AS points_earned FROM posting WHERE entry = NEW.id) WHERE seconds <> 0 OR points <> 0 OR seconds_earned <> NEW.seconds OR points_earned <> NEW.points; END;
CREATE TRIGGER entry_adjusts_original BEFORE INSERT ON entry WHEN NEW.adjusts IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entry AS original WHERE original.id = NEW.adjusts AND original.kind = 'original' AND original.record = NEW.record AND original.registry = NEW.registry AND original.volunteer = NEW.volunteer AND original.county = NEW.county) BEGIN SELECT RAISE(ABORT, 'an adjusting entry names the original of the same record'); END;
CREATE TRIGGER entry_with_record BEFORE INSERT ON entry WHEN NEW.adjusts IS NULL AND NOT EXISTS (SELECT 1 FROM service_record WHERE service_record.entry = NEW.id AND service_record.record = NEW.record AND service_record.registry = NEW.registry AND service_record.volunteer = NEW.volunteer AND service_record.county = NEW.county) BEGIN SELECT RAISE(ABORT, 'an original entry stands with its service record'); END;
COMMIT;

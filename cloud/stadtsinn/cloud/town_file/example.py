"""The town file to start from; a test applies it, so it cannot be wrong."""

EXAMPLE = """\
# A town as one file. 'stadtsinn registry apply town.toml' brings the registry to what stands
# here; what is not named here stays as it is. '--dry-run' only shows what would change.

tenant = "musterstadt"          # short name, also in public addresses
name = "Stadt Musterstadt"

[[sites]]
slug = "marktplatz"
name = "Marktplatz"
latitude = 51.9607              # degrees, WGS 84
longitude = 7.6261

# Stations are the places that people name; devices come and go. Their kinds: soil, tree, gate,
# parking_space, parking_lot, weather, gauge, lake, indoor, other.

[[stations]]
slug = "nordtor"                # never changes: series, rules and gates name it
name = "Nordtor"
kind = "gate"
site = "marktplatz"

[[stations]]
slug = "linde-am-markt"
name = "Linde am Markt"
kind = "tree"
site = "marktplatz"
attributes = { tree_id = "L-017", species = "Tilia cordata" }

[[devices]]
dev_eui = "70b3d57ed0001234"    # from the sticker; '-', ':' and spaces do not matter
type = "milesight/vs133"        # all: GET /api/v1/device-types
name = "Zähler Nordtor"
interval_s = 60                 # expected seconds between two uplinks
site = "marktplatz"
station = "nordtor"             # where it measures; without one it gets a station of its own

[[devices]]
dev_eui = "70b3d57ed0005678"
type = "dragino/lse01"
name = "Bodensensor Linde am Markt"
interval_s = 1200
site = "marktplatz"
station = "linde-am-markt"
depths_cm = { "" = 30 }         # per channel; this sensor has but one, without a name
tags = { lieferung = "2026-03" }

[[edges]]                       # one per gateway that runs an edge agent
id = "rathaus-1"                # = common name of its client certificate
name = "Rathaus, Dach"

[[zones]]
slug = "wochenmarkt"
name = "Wochenmarkt"
name_en = "Weekly market"
site = "marktplatz"
permitted = 900                 # persons, from the permit
reset_at = "04:00"              # local time at which the area is empty
interval_s = 60
public = true                   # shown on the public page

[[zones.gates]]
slug = "nordtor"
name = "Nordtor"
station = "nordtor"
channel = "line_1"              # the counting line: a channel of the station
swapped = false                 # true where its "in" leads out of the zone

[[recipients]]
slug = "ordnungsamt"
name = "Ordnungsamt, Bereitschaft"
channel = "sms"
address = "+49 176 04069001"
language = "de"                 # of the messages; or "en"

[[recipients]]                  # told when something is wrong: [operator] of cloud.toml
slug = "it-bereitschaft"
name = "IT-Bereitschaft"
channel = "sms"
address = "+49 176 04069002"

[[duty_groups]]                 # rules name it like a recipient: who is on duty is told
slug = "bereitschaft"
name = "Bereitschaft Ordnungsamt"
region = "NW"                   # whose public holidays count
members = ["ordnungsamt"]       # recipients

[[duty_groups.shifts]]          # of every week; or import a plan: stadtsinn roster import
on_duty = "ordnungsamt"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
start = "08:00"
end = "20:00"

[[duty_groups.quiet_hours]]     # rules with this severity wait until they end
severity = "info"
start = "20:00"
end = "07:00"

[[rules]]
slug = "wochenmarkt-voll"
name = "Wochenmarkt voll"
zone = "wochenmarkt"            # or 'station' or 'group', see below
direction = "above"
on = 810                        # alarm from here on
off = 760                       # over when below this
for_s = 120                     # if it lasts so long
min_samples = 2
recipients = ["ordnungsamt"]

[[rules]]
slug = "wochenmarkt-genehmigung"
name = "Genehmigte Personenzahl"
kind = "permit"                 # in per cent of the zone's 'permitted', whatever it is changed to
zone = "wochenmarkt"
warn_percent = 90               # first message
alarm_percent = 100             # second message
off_percent = 85                # all-clear; has to lie below warn_percent
min_samples = 2
recipients = ["ordnungsamt"]

[[rules]]
slug = "boden-trocken"
name = "Boden trocken"
group = { kind = "tree", site = "marktplatz" }  # each of them for itself; or: station = "…"
quantity = "soil_moisture"
direction = "below"
on = 15
off = 20
min_samples = 2
recipients = ["ordnungsamt"]
"""

"""What the words of a text field's name say of its values: phrases of names, and generators. Tables alone.

Of several phrases within a name the longest counts, and of those of one length the last. A phrase is of one item
where the field holds many.
"""

from typing import Final

from lensload.workload.inference.guess_forms import Guess, choice, faker, pattern, table, weighted
from lensload.workload.inference.vocabulary import words

TEXTS: Final[dict[str, Guess]] = table(
    ("email, email address, mail", faker("email")),
    ("first name, given name, forename, middle name", faker("first_name")),
    ("last name, family name, surname", faker("last_name")),
    (
        (
            "full name, display name, contact name, holder, holder name, card holder, "
            "cardholder, owner name, owner, author, recipient, sender, driver, driver name"
        ),
        faker("name"),
    ),
    ("salutation", choice("Ms", "Mr", "Mx")),
    (
        "user name, username, login, nickname, handle, created by, updated by, modified by",
        faker("user_name"),
    ),
    ("phone, phone number, mobile, mobile number, telephone, fax", faker("phone_number")),
    ("msisdn", pattern("49#########")),
    ("imei, imsi", pattern("###############")),
    ("gender", weighted(female=49, male=49, diverse=2)),
    ("sex", weighted(F=50, M=50)),
    ("job, job title, occupation, profession", faker("job")),
    ("ssn, social security number", faker("ssn")),
    ("password", pattern("????????????")),
    (
        (
            "company, company name, organization, organisation, employer, merchant, merchant "
            "name, supplier, vendor, brand, manufacturer, bank, bank name"
        ),
        faker("company"),
    ),
    ("carrier", choice("DHL", "UPS", "FedEx", "DPD", "GLS")),
    ("department", choice("sales", "support", "finance", "operations", "engineering")),
    ("industry", choice("retail", "finance", "health", "energy", "transport")),
    ("city, town, locality, birth place", faker("city")),
    ("street, street name", faker("street_name")),
    ("street address, address line, line1, address1, address line1, street1", faker("street_address")),
    ("address", faker("address")),
    ("line2, address2, address line2, street2", pattern("Apt. ##")),
    ("house number, street number, building number, building", faker("building_number")),
    ("zip, zip code, zipcode, postal code, post code, postcode, plz", faker("postcode")),
    ("country, country name", faker("country")),
    ("country code, nationality", faker("country_code")),
    ("province", faker("state")),
    ("region", choice("north", "south", "east", "west")),
    ("timezone, time zone, tz", faker("timezone")),
    ("geohash", pattern("u33d??#?")),
    ("iban", faker("iban")),
    ("bic, swift, swift code", faker("swift")),
    ("routing number", pattern("#########")),
    ("account number", pattern("##########")),
    ("card number, credit card, credit card number, pan", faker("credit_card_number")),
    ("last4", pattern("####")),
    ("card type, card brand", choice("visa", "mastercard", "amex")),
    ("cvv", pattern("###")),
    ("currency, currency code, ccy", weighted(EUR=6, USD=3, GBP=1)),
    ("payment method, payment type", weighted(card=6, paypal=3, invoice=1)),
    ("symbol, ticker", choice("AAPL", "MSFT", "NVDA", "SAP", "SIE", "ASML")),
    ("isin", pattern("DE##########")),
    ("exchange, mic", choice("XNAS", "XNYS", "XETR", "XLON")),
    ("side", choice("BUY", "SELL")),
    ("vat id", pattern("DE#########")),
    ("tax id", pattern("##-#######")),
    ("invoice number", pattern("INV-######")),
    ("order number", pattern("ORD-########")),
    ("tracking number", pattern("1Z############")),
    ("coupon, coupon code, promo code, voucher", pattern("SAVE-????-##")),
    ("sku", pattern("SKU-####-??")),
    ("ean, gtin, upc, barcode", faker("ean13")),
    ("isbn", faker("isbn13")),
    ("vin", pattern("W?????????#######")),
    ("license plate, plate", faker("license_plate")),
    ("serial, serial number", pattern("SN-########")),
    ("part number", pattern("PN-######")),
    ("batch number", pattern("B-######")),
    ("lot", pattern("L-######")),
    ("product, product name, item name", faker("catch_phrase")),
    ("category", choice("books", "electronics", "garden", "clothing", "toys", "sports")),
    ("color, colour", faker("color_name")),
    ("size", choice("S", "M", "L", "XL")),
    ("material", choice("wood", "steel", "cotton", "glass", "plastic")),
    ("model", pattern("M-###")),
    ("unit", choice("piece", "kg", "litre")),
    ("ip, ip4, ip address, ipaddress, ipaddr, remote address, remote addr", faker("ipv4")),
    ("ip6", faker("ipv6")),
    ("mac, mac address", faker("mac_address")),
    ("host, hostname, host name, server", faker("hostname")),
    ("domain, logger", faker("domain_name")),
    ("node", pattern("node-##")),
    ("url, uri, link, href, website, referrer, referer, dataschema", faker("url")),
    ("page, path, endpoint, route", faker("uri_path")),
    ("query, search term, keyword, tag, label, name", faker("word")),
    ("user agent, agent, useragent", faker("user_agent")),
    ("browser", weighted(Chrome=6, Safari=2, Firefox=1, Edge=1)),
    ("os, operating system", weighted(Windows=4, Android=3, iOS=2, Linux=1)),
    ("platform", weighted(web=5, android=3, ios=2)),
    ("device type, device", weighted(mobile=6, desktop=3, tablet=1)),
    ("method, http method", weighted(GET=7, POST=2, PUT=1)),
    ("protocol", choice("http", "https", "mqtt")),
    ("mime type, content type, media type, datacontenttype", faker("mime_type")),
    ("file, file name, filename", faker("file_name")),
    ("locale", faker("locale")),
    ("language, language code, lang", faker("language_code")),
    ("version, app version, firmware, firmware version", pattern("#.#.#")),
    ("schema version", choice("1")),
    ("hash, sha256, signature, token", faker("sha256")),
    ("checksum, md5, etag", faker("md5")),
    ("level, severity text, log level, severity level", weighted(INFO=8, WARN=1, ERROR=1)),
    ("customer level, user level, member level, account level", weighted(bronze=6, silver=3, gold=1)),
    ("severity", weighted(low=6, medium=3, high=1)),
    ("priority", weighted(low=3, normal=6, high=1)),
    ("stack trace, text, body, content", faker("paragraph")),
    ("environment, env", choice("prod", "staging", "dev")),
    ("service, service name", choice("checkout", "catalogue", "search", "payments", "shipping")),
    ("source, origin", choice("web", "app", "partner")),
    ("channel", weighted(web=6, app=3, store=1)),
    ("campaign", pattern("campaign-##")),
    ("table", choice("orders", "customers")),
    ("db, database", choice("shop")),
    ("schema", choice("public")),
    ("connector", choice("postgresql")),
    ("op", weighted(c=6, u=3, d=1)),
    ("operation", choice("create", "update", "delete")),
    ("action", choice("create", "update", "delete", "view")),
    ("status, state", choice("NEW", "ACTIVE", "DONE")),
    ("order status", weighted(NEW=4, PAID=3, SHIPPED=2, CANCELLED=1)),
    ("payment status", weighted(AUTHORIZED=3, CAPTURED=6, FAILED=1)),
    ("shipment status", choice("CREATED", "IN_TRANSIT", "DELIVERED")),
    ("type, kind", choice("A", "B", "C")),
    ("event type, event name", choice("created", "updated", "deleted")),
    ("code", pattern("??-####")),
    ("error code", pattern("E####")),
    ("reason, description, comment, note, remark, message, summary, review, feedback", faker("sentence")),
    ("result, outcome", choice("OK", "OK", "OK", "ERROR")),
    ("segment, tier", weighted(gold=1, silver=3, bronze=6)),
    ("plan", weighted(free=6, pro=3, enterprise=1)),
    ("title, subject", {"faker": {"method": "sentence", "nb_words": 4}}),
    ("headline", {"faker": {"method": "sentence", "nb_words": 6}}),
    ("number", pattern("########")),
    ("reference", pattern("REF-########")),
    ("json", {"constant": "{}"}),
    ("sha, sha1", faker("sha1")),
)
"""Fields of text. "name" depends on the record that it is in: see NAMES."""

NAMES: Final[dict[str, Guess]] = table(
    (
        (
            "customer, user, person, employee, patient, member, contact, driver, author, "
            "passenger, guest, student, subscriber, player, buyer, seller, recipient, sender, "
            "owner, holder, account, profile, rider, agent"
        ),
        faker("name"),
    ),
    (
        (
            "company, organization, organisation, merchant, supplier, vendor, brand, partner, "
            "shop, store, bank, tenant"
        ),
        faker("company"),
    ),
    ("product, item, article, line", faker("catch_phrase")),
    ("city, location, place, airport, station", faker("city")),
    ("country", faker("country")),
)
"""What "name" is, by what its record is of."""

VAGUE: Final = words("code number name type kind reference country language version key value label text")
"""Phrases of TEXTS that a field's doc may know better."""
ADDRESS: Final = words("city street zip zipcode postcode postal country address plz")
"""Words of fields beside which "state" is a part of a country, and not of a process."""

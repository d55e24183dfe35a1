#include "devicekind.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *word, *kind;
} words[] = {
	{ "_printer", "printer" }, { "_ipp", "printer" },     { "_pdl-datastream", "printer" }, { "laserjet", "printer" },
	{ "officejet", "printer" }, { "deskjet", "printer" }, { "brother", "printer" },         { "canon", "printer" },
	{ "epson", "printer" },    { "printer", "printer" },  { "ipcam", "camera" },            { "camera", "camera" },
	{ "hikvision", "camera" }, { "dahua", "camera" },     { "axis", "camera" },             { "_rtsp", "camera" },
	{ "_googlecast", "tv" },   { "chromecast", "tv" },    { "_airplay", "tv" },             { "roku", "tv" },
	{ "smarttv", "tv" },       { "smart-tv", "tv" },      { "bravia", "tv" },               { "mediarenderer", "tv" },
	{ "synology", "nas" },     { "diskstation", "nas" },  { "qnap", "nas" },                { "readynas", "nas" },
	{ "iphone", "phone" },     { "android", "phone" },    { "pixel", "phone" },             { "galaxy", "phone" },
	{ "_hap._tcp", "iot" },    { "esp_", "iot" },         { "esp8266", "iot" },             { "tasmota", "iot" },
	{ "shelly", "iot" },       { "philips-hue", "iot" },  { "_hue", "iot" },                { "tuya", "iot" },
	{ "sonoff", "iot" },       { "nest-", "iot" },
};

const char *devicekind_of(const char *text, size_t len)
{
	for (size_t i = 0; len && i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].word);
		for (size_t at = 0; at + n <= len; at++) {
			int c = text[at] >= 'A' && text[at] <= 'Z' ? text[at] | 0x20 : text[at];
			if (c == *words[i].word && strncasecmp(text + at, words[i].word, n) == 0)
				return words[i].kind;
		}
	}
	return NULL;
}

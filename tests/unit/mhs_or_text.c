#include <stdio.h>
#include <string.h>

#include "mhs/or.h"
#include "tests/unit/unit.h"

/* An address as text that shows each attribute's form. */
static const char *
shape(struct arena *a, const struct mhs_or *o)
{
	static const char forms[] = "pntur";
	const char *s = "";

	for (size_t i = 0; i < o->n_attrs; i++) {
		const struct mhs_or_attr *at = &o->attrs[i];
		const char *v = mhs_or_attr_utf8(a, at);

		if (at->type == MHS_OR_DDA)
			s = arena_printf(a, "%s%cDD.%s=%s ", s, forms[at->form],
			    at->dda_type, v);
		else if (at->type == MHS_OR_UNKNOWN)
			s = arena_printf(a, "%s%cEXT%d=%s ", s, forms[at->form],
			    at->ext_type, v);
		else
			s = arena_printf(a, "%s%c%s=%s ", s, forms[at->form],
			    mhs_or_key(at->type), v);
	}
	return s;
}

struct row {
	const char *text;  /* as it comes */
	const char *shape; /* what it means */
	const char *slash; /* how we write it */
	const char *label;
};

static const struct row rows[] = {
    /* RFC 2156 */
    {"/S=Eppenberger/OU=verw/O=switch/PRMD=SWITCH/ADMD=ARCOM/C=CH/",
	"pC=CH pADMD=ARCOM pPRMD=SWITCH pO=switch pS=Eppenberger pOU1=verw ",
	"/S=Eppenberger/OU=verw/O=switch/PRMD=SWITCH/ADMD=ARCOM/C=CH/",
	"S=Eppenberger; O=switch; OU1=verw; P=SWITCH; A=ARCOM; C=CH"},
    {"/RFC-822=H.Hildegard(a)bbn.com/OU=cs/O=ucl/PRMD=uk.ac/"
     "ADMD=gold 400/C=gb/",
	"pC=gb pADMD=gold 400 pPRMD=uk.ac pO=ucl pOU1=cs "
	"pDD.RFC-822=H.Hildegard(a)bbn.com ",
	"/RFC-822=H.Hildegard(a)bbn.com/OU=cs/O=ucl/PRMD=uk.ac/"
	"ADMD=gold 400/C=gb/",
	"DDA:RFC-822=H.Hildegard(a)bbn.com; O=ucl; OU1=cs; P=uk.ac; "
	"A=gold 400; C=gb"},
    {"c=gb; a= ; p=uk.ac; o=mr; dd.rfc-822=(a)relay.co.uk:userb(a)host2;",
	"pC=gb pADMD=  pPRMD=uk.ac pO=mr "
	"pDD.RFC-822=(a)relay.co.uk:userb(a)host2 ",
	"/RFC-822=(a)relay.co.uk:userb(a)host2/O=mr/PRMD=uk.ac/ADMD= /C=gb/",
	"DDA:RFC-822=(a)relay.co.uk:userb(a)host2; O=mr; P=uk.ac; C=gb"},
    {"S=Rossi; DD.cap=20100; DD.ph1=Via Larga 11; DDA.city=Milano;"
     "A=PtPostel; C=it;",
	"pC=it pADMD=PtPostel pS=Rossi pDD.cap=20100 pDD.ph1=Via Larga 11 "
	"pDD.city=Milano ",
	"/DD.city=Milano/DD.ph1=Via Larga 11/DD.cap=20100/S=Rossi/"
	"ADMD=PtPostel/C=it/",
	"DDA:cap=20100; DDA:ph1=Via Larga 11; DDA:city=Milano; S=Rossi; "
	"A=PtPostel; C=it"},
    {"/CN=yen*{165}/C=jp/", "pC=jp pADMD=  pCN=yen tCN=\xc2\xa5 ",
	"/CN=yen*{165}/ADMD= /C=jp/", "CN=yen; C=jp"},
    {"/O=*a{165}b/C=jp/",
	"pC=jp pADMD=  tO=a\xc2\xa5"
	"b ",
	"/O=*a{165}b/ADMD= /C=jp/",
	"O=a\xc2\xa5"
	"b; C=jp"},
    {"/PD-ADDRESS=The Dome|The Square|Richmond|England/C=gb/",
	"pC=gb pADMD=  pPD-ADDRESS=The Dome|The Square|Richmond|England ",
	"/PD-ADDRESS=The Dome|The Square|Richmond|England/ADMD= /C=gb/",
	"PD-A1=The Dome; PD-A2=The Square; PD-A3=Richmond; PD-A4=England; "
	"C=gb"},
    {"/PN=Marshall.M.T.Rose/C=us/A=x/",
	"pC=us pADMD=x pS=Rose pG=Marshall pI=MT ",
	"/G=Marshall/I=MT/S=Rose/ADMD=x/C=us/",
	"G=Marshall; I=MT; S=Rose; A=x; C=us"},
    {"/PN=M.T.Rose/C=us/A=x/", "pC=us pADMD=x pS=Rose pI=MT ",
	"/I=MT/S=Rose/ADMD=x/C=us/", "I=MT; S=Rose; A=x; C=us"},
    {"/PN=Rose/C=us/A=x/", "pC=us pADMD=x pS=Rose ", "/S=Rose/ADMD=x/C=us/",
	"S=Rose; A=x; C=us"},
    /* RFC 1685 */
    {"X.400: G=john; S=smith; O=a bank ltd; P=abl; A=snomail; C=aq",
	"pC=aq pADMD=snomail pPRMD=abl pO=a bank ltd pS=smith pG=john ",
	"/G=john/S=smith/O=a bank ltd/PRMD=abl/ADMD=snomail/C=aq/",
	"G=john; S=smith; O=a bank ltd; P=abl; A=snomail; C=aq"},
    {"DDA:RFC-822=fred(a)widget.co.uk; O=gateway; P=abc; C=gb",
	"pC=gb pADMD=  pPRMD=abc pO=gateway "
	"pDD.RFC-822=fred(a)widget.co.uk ",
	"/RFC-822=fred(a)widget.co.uk/O=gateway/PRMD=abc/ADMD= /C=gb/",
	"DDA:RFC-822=fred(a)widget.co.uk; O=gateway; P=abc; C=gb"},
    {"g=per;s=hansen;o=teledir;ou1=forskning;p=tele;a=telemax;c=no",
	"pC=no pADMD=telemax pPRMD=tele pO=teledir pS=hansen pG=per "
	"pOU1=forskning ",
	"/G=per/S=hansen/OU=forskning/O=teledir/PRMD=tele/ADMD=telemax/C=no/",
	"G=per; S=hansen; O=teledir; OU1=forskning; P=tele; A=telemax; C=no"},
    {"/g=per/s=hansen/o=teledir/ou1=forskning/p=tele/a=telemax/c=no",
	"pC=no pADMD=telemax pPRMD=tele pO=teledir pS=hansen pG=per "
	"pOU1=forskning ",
	"/G=per/S=hansen/OU=forskning/O=teledir/PRMD=tele/ADMD=telemax/C=no/",
	"G=per; S=hansen; O=teledir; OU1=forskning; P=tele; A=telemax; C=no"},
    {"C=no; ADMD=; PRMD=uninett; O=uninett; S=alvestrand; G=harald",
	"pC=no pADMD=  pPRMD=uninett pO=uninett pS=alvestrand pG=harald ",
	"/G=harald/S=alvestrand/O=uninett/PRMD=uninett/ADMD= /C=no/",
	"G=harald; S=alvestrand; O=uninett; P=uninett; C=no"},
    /* an AMHS address, most significant first */
    {"/C=XX/A=ICAO/P=GERMANY/O=EDDF/OU1=EDDFZTZX/CN=EDDFYFYX/",
	"pC=XX pADMD=ICAO pPRMD=GERMANY pO=EDDF pOU1=EDDFZTZX pCN=EDDFYFYX ",
	"/CN=EDDFYFYX/OU=EDDFZTZX/O=EDDF/PRMD=GERMANY/ADMD=ICAO/C=XX/",
	"CN=EDDFYFYX; O=EDDF; OU1=EDDFZTZX; P=GERMANY; A=ICAO; C=XX"},
    /* the order of units: from the right, or turned round */
    {"/OU=c/OU=b/OU=a/O=o/C=us/A=x/",
	"pC=us pADMD=x pO=o pOU1=a pOU2=b pOU3=c ",
	"/OU=c/OU=b/OU=a/O=o/ADMD=x/C=us/",
	"O=o; OU1=a; OU2=b; OU3=c; A=x; C=us"},
    {"/C=us/A=x/O=o/OU=a/OU=b/OU=c/DD.one=1/DD.two=2/",
	"pC=us pADMD=x pO=o pOU1=a pOU2=b pOU3=c pDD.one=1 pDD.two=2 ",
	"/DD.two=2/DD.one=1/OU=c/OU=b/OU=a/O=o/ADMD=x/C=us/",
	"DDA:one=1; DDA:two=2; O=o; OU1=a; OU2=b; OU3=c; A=x; C=us"},
    {"/OU2=b/OU4=d/C=us/A=x/", "pC=us pADMD=x pOU2=b pOU4=d ",
	"/OU4=d/OU2=b/ADMD=x/C=us/", "OU2=b; OU4=d; A=x; C=us"},
    {"/DD.b=2/DD.a=1/A=x/C=us/", "pC=us pADMD=x pDD.a=1 pDD.b=2 ",
	"/DD.b=2/DD.a=1/ADMD=x/C=us/", "DDA:a=1; DDA:b=2; A=x; C=us"},
    {"/DD2.b=2/DD1.a=1/C=us/A=x/", "pC=us pADMD=x pDD.a=1 pDD.b=2 ",
	"/DD.b=2/DD.a=1/ADMD=x/C=us/", "DDA:a=1; DDA:b=2; A=x; C=us"},
    /* escapes */
    {"/O=a$/b$=c/C=us/A=x/", "pC=us pADMD=x pO=a/b=c ",
	"/O=a$/b$=c/ADMD=x/C=us/", "O=a/b=c; A=x; C=us"},
    {"/O=a//b/C=us/A=x", "pC=us pADMD=x pO=a/b ", "/O=a$/b/ADMD=x/C=us/",
	"O=a/b; A=x; C=us"},
    {"O=a/b;C=us;A=x", "pC=us pADMD=x pO=a/b ", "/O=a$/b/ADMD=x/C=us/",
	"O=a/b; A=x; C=us"},
    {"O=a;;b; DDA:x==y=1=2; C=us; A=x", "pC=us pADMD=x tO=a;b pDD.x=y=1=2 ",
	"/DD.x$=y=1$=2/O=*a{059}b/ADMD=x/C=us/",
	"DDA:x==y=1=2; O=a;;b; A=x; C=us"},
    {"/O=a$_b$@c$*$$/C=us/A=x/", "pC=us pADMD=x pO=a_b@c*$ ",
	"/O=a$_b$@c$*$$/ADMD=x/C=us/", "O=a_b@c*$; A=x; C=us"},
    /* beyond PrintableString */
    {"O=M\xc3\xbcller; C=de; A=x", "pC=de pADMD=x tO=M\xc3\xbcller ",
	"/O=*M{200}uller/ADMD=x/C=de/", "O=M\xc3\xbcller; A=x; C=de"},
    {"O=\xd0\x9c\xd0\xb8\xd1\x80; C=ru; A=x",
	"pC=ru pADMD=x uO=\xd0\x9c\xd0\xb8\xd1\x80 ",
	"/O=*{027037071208156208184209128}/ADMD=x/C=ru/",
	"O=\xd0\x9c\xd0\xb8\xd1\x80; A=x; C=ru"},
    {"/S=Mir*{027037071208156208184209128}/C=ru/A=x/",
	"pC=ru pADMD=x pS=Mir uS=\xd0\x9c\xd0\xb8\xd1\x80 ",
	"/S=Mir*{027037071208156208184209128}/ADMD=x/C=ru/",
	"S=Mir; A=x; C=ru"},
    {"/S=a*{165}/S=*{027037071226130172}/C=jp/A=x/",
	"pC=jp pADMD=x pS=a tS=\xc2\xa5 uS=\xe2\x82\xac ",
	"/S=a*{165}/S=*{027037071226130172}/ADMD=x/C=jp/", "S=a; A=x; C=jp"},
    {"/DD.x*{165}=v*{163}/C=jp/A=x/",
	"pC=jp pADMD=x pDD.x=v tDD.\xa5=\xc2\xa3 ",
	"/DD.*{165}=*{163}/DD.x=v/ADMD=x/C=jp/",
	"DDA:x=v; DDA:\xc2\xa5=\xc2\xa3; A=x; C=jp"},
    {"DDA:RFC-822=joe_b@host.example; C=us; A=x",
	"pC=us pADMD=x pDD.RFC-822=joe(u)b(a)host.example ",
	"/RFC-822=joe(u)b(a)host.example/ADMD=x/C=us/",
	"DDA:RFC-822=joe(u)b(a)host.example; A=x; C=us"},
    /* digits alone are numeric where the ASN.1 has a choice */
    {"/C=208/ADMD=12/PRMD=1a/O=34/", "nC=208 nADMD=12 pPRMD=1a pO=34 ",
	"/O=34/PRMD=1a/ADMD=12/C=208/", "O=34; P=1a; A=12; C=208"},
    /* all the other attributes */
    {"/X121=23421920014851/T-ID=t1/UA-ID=77/GQ=III/C=us/A=x/",
	"pC=us pADMD=x nX121=23421920014851 pT-ID=t1 nUA-ID=77 pGQ=III ",
	"/T-ID=t1/X121=23421920014851/UA-ID=77/GQ=III/ADMD=x/C=us/",
	"X.121=23421920014851; N-ID=77; T-ID=t1; Q=III; A=x; C=us"},
    {"X.121=1; N-ID=2; T-TY=ia5; ISDN=+49 (69) 12-3; Q=jr; C=us; A=x",
	"pC=us pADMD=x nX121=1 nUA-ID=2 pGQ=jr nNET-NUM=49 69 123 nT-TY=7 ",
	"/T-TY=ia5(7)/NET-NUM=49 69 123/X121=1/UA-ID=2/GQ=jr/ADMD=x/C=us/",
	"X.121=1; ISDN=49 69 123; N-ID=2; T-TY=ia5; Q=jr; A=x; C=us"},
    {"/NET-NUM=4969123/NET-SUB=45/T-TY=(99)/C=us/A=x/",
	"pC=us pADMD=x nNET-NUM=4969123*45 nT-TY=99 ",
	"/T-TY=(99)/NET-NUM=4969123/NET-SUB=45/ADMD=x/C=us/",
	"ISDN=4969123*45; T-TY=99; A=x; C=us"},
    {"/PD-SERVICE=s/PD-C=826/PD-CODE=12345/PD-OFFICE=o/PD-OFFICE-NUM=n/"
     "PD-EXT-ADDRESS=ea/PD-PN=pn/PD-O=po/PD-EXT-DELIVERY=ed/"
     "PD-STREET=st/PD-BOX=b/PD-RESTANTE=r/PD-UNIQUE=u/PD-LOCAL=l/"
     "C=us/A=x/",
	"pC=us pADMD=x pPD-SERVICE=s nPD-C=826 nPD-CODE=12345 pPD-OFFICE=o "
	"pPD-OFFICE-NUM=n pPD-EXT-ADDRESS=ea pPD-PN=pn pPD-O=po "
	"pPD-EXT-DELIVERY=ed pPD-STREET=st pPD-BOX=b pPD-RESTANTE=r "
	"pPD-UNIQUE=u pPD-LOCAL=l ",
	"/PD-PN=pn/PD-EXT-ADDRESS=ea/PD-EXT-DELIVERY=ed/PD-OFFICE-NUM=n/"
	"PD-OFFICE=o/PD-O=po/PD-STREET=st/PD-UNIQUE=u/PD-LOCAL=l/"
	"PD-RESTANTE=r/PD-BOX=b/PD-CODE=12345/PD-SERVICE=s/PD-C=826/"
	"ADMD=x/C=us/",
	"PD-PN=pn; PD-EA=ea; PD-ED=ed; PD-OFN=n; PD-OF=o; PD-O=po; PD-S=st; "
	"PD-U=u; PD-L=l; PD-R=r; PD-B=b; PD-PC=12345; PD-SN=s; PD-C=826; "
	"A=x; C=us"},
    {"PD-SN=s; PD-PC=1a; PD-OF=o; PD-OFN=n; PD-EA=ea; PD-ED=ed; PD-S=st; "
     "PD-B=b; PD-R=r; PD-U=u; PD-L=l; PD-A2=two; PD-A1=one; C=us; A=x",
	"pC=us pADMD=x pPD-SERVICE=s pPD-CODE=1a pPD-OFFICE=o "
	"pPD-OFFICE-NUM=n pPD-EXT-ADDRESS=ea pPD-EXT-DELIVERY=ed "
	"pPD-ADDRESS=one|two pPD-STREET=st pPD-BOX=b pPD-RESTANTE=r "
	"pPD-UNIQUE=u pPD-LOCAL=l ",
	"/PD-EXT-ADDRESS=ea/PD-EXT-DELIVERY=ed/PD-OFFICE-NUM=n/PD-OFFICE=o/"
	"PD-STREET=st/PD-ADDRESS=one|two/PD-UNIQUE=u/PD-LOCAL=l/"
	"PD-RESTANTE=r/PD-BOX=b/PD-CODE=1a/PD-SERVICE=s/ADMD=x/C=us/",
	"PD-EA=ea; PD-ED=ed; PD-OFN=n; PD-OF=o; PD-S=st; PD-A1=one; "
	"PD-A2=two; PD-U=u; PD-L=l; PD-R=r; PD-B=b; PD-PC=1a; PD-SN=s; "
	"A=x; C=us"},
    {"/NET-PSAP='3a'H$/#63$/\"12\"$/NS+a433_NS+aa/C=us/A=x/",
	"pC=us pADMD=x rNET-PSAP="
	"a01ca00304013aa1040402003fa20404023132a30931070402a4330401aa ",
	"/NET-PSAP='3a'H$/'003f'H$/'3132'H$/NS+a433_NS+aa/ADMD=x/C=us/",
	"PSAP='3a'H/'003f'H/'3132'H/NS+a433_NS+aa; A=x; C=us"},
    {"/EXT-99=0403616263/C=us/A=x/", "pC=us pADMD=x rEXT99=0403616263 ",
	"/EXT-99=0403616263/ADMD=x/C=us/", "EXT-99=0403616263; A=x; C=us"},
    /* without a domain none is supplied */
    {"S=Ray", "pS=Ray ", "/S=Ray/", "S=Ray"},
};

static void
check(struct arena *a, const struct row *r)
{
	struct err e = ERR_INIT;
	struct mhs_or *o = mhs_or_parse(a, r->text, &e);
	const char *got;

	if (o == NULL) {
		printf("\n%s: %s (%llu)", r->text, e.text,
		    (unsigned long long)e.offset);
		CU_FAIL("refused");
		return;
	}
	got = shape(a, o);
	if (strcmp(got, r->shape) != 0)
		printf("\n%s\n is  %s\n not %s", r->text, got, r->shape);
	CU_ASSERT_STRING_EQUAL(got, r->shape);
	got = mhs_or_slash(a, o);
	if (strcmp(got, r->slash) != 0)
		printf("\n%s\n is  %s\n not %s", r->text, got, r->slash);
	CU_ASSERT_STRING_EQUAL(got, r->slash);
	got = mhs_or_label(a, o);
	if (strcmp(got, r->label) != 0)
		printf("\n%s\n is  %s\n not %s", r->text, got, r->label);
	CU_ASSERT_STRING_EQUAL(got, r->label);
}

static void
texts_of_both_rfcs_are_understood_and_written(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();

		check(a, &rows[i]);
		arena_free(&a);
	}
}

static void
the_slash_form_keeps_every_form(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o = mhs_or_parse(a, rows[i].slash, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		/* RFC 2156 writes a lone blank ADMD, so nothing is added */
		CU_ASSERT_STRING_EQUAL(shape(a, o), rows[i].shape);
		CU_ASSERT_STRING_EQUAL(mhs_or_slash(a, o), rows[i].slash);
		arena_free(&a);
	}
}

static void
the_label_form_reads_back_as_an_equal_address(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o = mhs_or_parse(a, rows[i].slash, NULL);
		struct mhs_or *l = mhs_or_parse(a, rows[i].label, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_PTR_NOT_NULL_FATAL(l);
		if (!mhs_or_equal(o, l))
			printf("\n%s", rows[i].label);
		CU_ASSERT(mhs_or_equal(o, l));
		CU_ASSERT_STRING_EQUAL(mhs_or_label(a, l), rows[i].label);
		arena_free(&a);
	}
}

/* DDAs of one type go by their places in each form, so these must stay. */
static void
the_slash_form_reads_back_as_the_same_address(void)
{
	static const char *const v[] = {
	    "/DD.t=x_y/DD.t=*roh/S=a/", /* two teletex, one of them plain */
	    "/DD.t=a*b/S=a/",
	    "/DD.t=a*b/DD.t=b/S=a/",
	    "/DD.t=a*a/DD.t=*b/S=a/",
	    "/DD.t=*a/DD.t=*{027037071}b/S=a/",
	    "/DD.*{027037071}t=*/DD.*{027037071}t=*{027037071195164}/S=a/",
	    "/DD.T=a*b{165}/DD. t=*c/S=a/",
	    "/S=*a/S=*{027037071}b/", /* teletex a, universal b */
	    "/S=a*{027037071}b/",
	    "/S=a*a{065027037071}/", /* the escape to UTF-8, but not first */
	    "/S=*{065027037071195}/",
	    "/S=*{027}{037071195}/",
	    "/DD.\xd0\x96=\xc3\x9e/S=a/",
	    "/DD.a $ =b/DD.$ =c/DD.$$$ =d/S=a/", /* types end in a space */
	    "/DD.tSA*P$ =xSA*P$ =M$roh)a/S=0541434}30b'/",
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o = mhs_or_parse(a, v[i], NULL), *back;
		const char *slash;

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		slash = mhs_or_slash(a, o);
		back = mhs_or_parse(a, slash, NULL);
		if (back == NULL || !mhs_or_equal(o, back))
			printf("\n%s is %s", v[i], slash);
		CU_ASSERT_PTR_NOT_NULL_FATAL(back);
		CU_ASSERT(mhs_or_equal(o, back));
		CU_ASSERT_STRING_EQUAL(mhs_or_slash(a, back), slash);
		arena_free(&a);
	}
}

static void
each_refusal_names_its_octet(void)
{
	static const struct {
		const char *text;
		int code;
		uint64_t offset;
	} bad[] = {
	    {"", ERR_SYNTAX, 0},
	    {"/", ERR_SYNTAX, 0},
	    {"/S", ERR_SYNTAX, 2},
	    {"/S/C=us/", ERR_SYNTAX, 2},
	    {"joe", ERR_SYNTAX, 3},
	    {"/S=a/XYZ=b/", ERR_SYNTAX, 5},
	    {"/S=/C=us/", ERR_SYNTAX, 3},
	    {"/S=a/S=b/C=us/", ERR_SYNTAX, 7},
	    {"/C=us/C=de/", ERR_SYNTAX, 8},
	    {"/C=u_s/", ERR_SYNTAX, 4},
	    {"/X121=12a/", ERR_SYNTAX, 8},
	    {"/S=a\x01"
	     "b/",
		ERR_SYNTAX, 4},
	    {"/S=a\xff"
	     "b/",
		ERR_SYNTAX, 4},
	    {"/S=a$", ERR_SYNTAX, 4},
	    {"/CN=a*{16}/", ERR_SYNTAX, 6},
	    {"/CN=a*{}/", ERR_SYNTAX, 6},
	    {"/CN=a*{165/", ERR_SYNTAX, 6},
	    {"/CN=a*{999}/", ERR_SYNTAX, 9},
	    {"/CN=a*{000}/", ERR_SYNTAX, 9},
	    {"/CN=a*{1x5}/", ERR_SYNTAX, 8},
	    {"/CN=a*b_/", ERR_SYNTAX, 7},
	    {"/OU=a/OU1=b/", ERR_SYNTAX, 6},
	    {"/OU=a/OU=b/OU=c/OU=d/OU=e/", ERR_LIMIT, 1},
	    {"/PD-ADDRESS=a/PD-A1=b/", ERR_SYNTAX, 20},
	    {"/PD-A1=a|b/", ERR_SYNTAX, 8},
	    {"/PD-A1=a/PD-A1=b/", ERR_SYNTAX, 9},
	    {"/NET-SUB=1/", ERR_SYNTAX, 9},
	    {"/T-TY=fax/", ERR_SYNTAX, 6},
	    {"/T-TY=ia5(7/", ERR_SYNTAX, 6},
	    {"/NET-PSAP=X121+1/", ERR_UNSUPPORTED, 10},
	    {"/NET-PSAP='zz'H$/NS+00/", ERR_SYNTAX, 11},
	    {"/DD.=x/", ERR_SYNTAX, 5},
	    {"/DD.t=x_y*roh/", ERR_SYNTAX, 10},
	    {"/DD.*t=x*roh/", ERR_SYNTAX, 9},
	    {"/EXT-9=04/", ERR_SYNTAX, 7},
	    {"/EXT-9=0400zz/", ERR_SYNTAX, 7},
	    {"/EXT-x=0400/", ERR_SYNTAX, 1},
	    {"/O=*{027037071195}/", ERR_SYNTAX, 3},
	    {"/O=*{165}{027037071195188}/", ERR_SYNTAX, 4},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_new();
		struct err e = ERR_INIT;

		CU_ASSERT_PTR_NULL(mhs_or_parse(a, bad[i].text, &e));
		if (e.code != bad[i].code || e.offset != bad[i].offset)
			printf("\n%s: %d at %llu: %s", bad[i].text, e.code,
			    (unsigned long long)e.offset, e.text);
		CU_ASSERT_EQUAL(e.code, bad[i].code);
		CU_ASSERT_EQUAL(e.offset, bad[i].offset);
		arena_free(&a);
	}
}

static void
texts_and_values_too_long_meet_a_limit_at_its_octet(void)
{
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	char *text = arena_alloc(a, 10001);

	memset(text, 'a', 10000);
	memcpy(text, "/O=", 3);
	CU_ASSERT_PTR_NULL(mhs_or_parse(a, text, &e));
	CU_ASSERT_EQUAL(e.code, ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, MHS_OR_TEXT_MAX);
	text[2000] = '\0';
	CU_ASSERT_PTR_NULL(mhs_or_parse(a, text, &e));
	CU_ASSERT_EQUAL(e.code, ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 3 + MHS_OR_VALUE_MAX);
	text[3 + MHS_OR_VALUE_MAX] = '\0';
	CU_ASSERT_PTR_NOT_NULL(mhs_or_parse(a, text, &e));
	/* too many attributes */
	text[0] = '\0';
	for (int i = 0; i < 65; i++)
		snprintf(text + strlen(text), 20, "/DD.t%d=v", i);
	CU_ASSERT_PTR_NULL(mhs_or_parse(a, text, &e));
	CU_ASSERT_EQUAL(e.code, ERR_LIMIT);
	arena_free(&a);
}

static void
a_prefix_gets_no_admd_and_may_be_empty(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_parse_prefix(a, "/C=XX/", NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(shape(a, o), "pC=XX ");
	o = mhs_or_parse_prefix(a, "/", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->n_attrs, 0);
	o = mhs_or_parse_prefix(a, "", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->n_attrs, 0);
	o = mhs_or_parse_prefix(a, "/O=*/ADMD=*/C=XX/", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(shape(a, o), "pC=XX pADMD=* pO=* ");
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(a, o), "/O=*/ADMD=*/C=XX/");
	arena_free(&a);
}

void
suite_mhs_or_text(void)
{
	static CU_TestInfo tests[] = {
	    TEST(texts_of_both_rfcs_are_understood_and_written),
	    TEST(the_slash_form_keeps_every_form),
	    TEST(the_label_form_reads_back_as_an_equal_address),
	    TEST(the_slash_form_reads_back_as_the_same_address),
	    TEST(each_refusal_names_its_octet),
	    TEST(texts_and_values_too_long_meet_a_limit_at_its_octet),
	    TEST(a_prefix_gets_no_admd_and_may_be_empty),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mhs_or_text", tests);
}
